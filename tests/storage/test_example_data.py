"""The hours that a developer looks at, on both databases."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from timesheets import conf
from timesheets.formats.days import Week
from timesheets.models import Client, RunLine, Timesheet
from timesheets.storage.missing import Status, find_missing
from timesheets.storage.rows import Reach

CLIENTS = ("payroll", "agency", "studio")

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def development(settings: Any) -> None:
    settings.DEBUG = True


def run(*words: str) -> str:
    output = StringIO()
    call_command(*words, stdout=output)
    return output.getvalue()


@pytest.mark.usefixtures("development")
def test_there_is_something_of_everything_and_a_second_time_nothing_changes() -> None:
    run("example_data")
    stored = set(Timesheet.objects.values_list())

    again = run("example_data")

    assert "Nothing was changed" in again
    assert set(Timesheet.objects.values_list()) == stored
    assert sorted(Client.objects.values_list("client_id", flat=True)) == sorted(CLIENTS)
    assert Timesheet.objects.values("user_id").distinct().count() == 30
    corrections = Timesheet.objects.filter(revision=2).values_list("hours", flat=True)
    assert {hours == 0 for hours in corrections} == {True, False}
    assert set(RunLine.objects.values_list("kind", flat=True)) == {"new"}
    last_week = Week.of(timezone.localdate(timezone=conf.time_zone()) - timedelta(days=7))
    now, zone = timezone.now(), conf.time_zone()
    people, _ = find_missing(Reach(own=None), conf.issuer().url, last_week, zone, now)
    missing = [each.client.client_id for each in people or () if each.status is Status.MISSING]
    assert missing == ["studio"] * 10


def test_only_a_development_server_gets_it() -> None:
    with pytest.raises(CommandError, match="Only a server with DEBUG"):
        run("example_data")

    assert not Timesheet.objects.exists()
