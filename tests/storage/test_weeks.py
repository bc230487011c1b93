"""A person's week, on both databases: all of it, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.storage.entries import PAYROLL, ingest, make_entry, own
from tests.storage.uploads import REPORTING
from timesheets.browser.weeks import WeekReport, read_week
from timesheets.formats.days import Week
from timesheets.trust.principals import MachineClient

pytestmark = pytest.mark.usefixtures("database")

WEEK = Week.parse("2017-W19")
MONDAY = datetime(2017, 5, 8, tzinfo=UTC)


def read(client: MachineClient = PAYROLL, user_id: str = "007") -> WeekReport:
    return read_week(own(client), user_id, WEEK, ZoneInfo("UTC"))


def test_only_the_persons_work_of_the_client_in_the_weeks_counts() -> None:
    tick, end = timedelta(microseconds=1), MONDAY + timedelta(days=7)
    ingest(
        make_entry(date=MONDAY - timedelta(days=77) - tick, hours=Decimal(1)),
        make_entry(date=MONDAY - timedelta(days=77), hours=Decimal(2)),
        make_entry(date=MONDAY, hours=Decimal("0.01")),
        make_entry(date=end - tick, hours=Decimal(3)),
        make_entry(date=end, hours=Decimal(4)),
        make_entry(user_id="008", hours=Decimal(5)),
        make_entry(user_id="%", hours=Decimal(6)),
    )
    ingest(make_entry(hours=Decimal(7)), client=REPORTING)
    ingest(make_entry(hours=Decimal(8)), client=replace(PAYROLL, issuer="https://stranger.example/"))

    report = read()

    assert [str(hours) for hours in report.days] == ["0.01", "0", "0", "0", "0", "0", "3.00"]
    assert ([*report.recent.values()][-1], report.is_part) == (Decimal(2), False)
    assert [read(user_id="%").total, read(REPORTING).total] == [6, 7]
    assert read(replace(PAYROLL, client_id="idle")).total == 0


def test_what_a_later_revision_supersedes_does_not_count() -> None:
    ingest(
        make_entry("a", hours=Decimal(1)),
        make_entry("b", hours=Decimal(2)),
        make_entry("c", hours=Decimal(3)),
    )
    ingest(make_entry("c"), make_entry("c", hours=Decimal(9), revision=2, reason="wrong"), client=REPORTING)
    corrected = make_entry("a", hours=Decimal(4), revision=2, reason="wrong")
    moved = make_entry("b", hours=Decimal(5), revision=2, reason="wrong", date=MONDAY + timedelta(days=7))
    withdrawn = corrected._replace(hours=Decimal(0), revision=3)
    ingest(corrected, moved, withdrawn)

    report = read()

    assert report.total == 3
