"""A dry run says what people should check. Nothing is refused for it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from tests.api.conftest import TUTORIAL_ENTRY, UploadMany, make_entry
from tests.api.formats import ARRAY, CSV, Format
from tests.api.pages import Store
from tests.kit.issuer import Issuer
from tests.storage.entries import make_entry as build_entry
from timesheets.models import AssignmentList
from timesheets.uploads.doubts import MAX_EXAMPLES

TODAY = timezone.now().date()
YESTERDAY = TODAY - timedelta(days=1)
FAR = TODAY + timedelta(days=367)


@pytest.fixture
def check(upload_many: UploadMany) -> Callable[..., dict[str, list[str]]]:
    """The examples of each doubt about entries of yesterday."""

    def run(*entries: dict[str, Any], batch_format: Format = ARRAY, **more: Any) -> dict[str, list[str]]:
        sent = [{**TUTORIAL_ENTRY, "date": str(YESTERDAY), **entry} for entry in entries]
        answer = upload_many(sent, batch_format, "?dry_run=true", headers={"Prefer": "check"}, **more)
        return {each["doubt"]: each["examples"] for each in answer.json()["check"]}

    return run


Check = Callable[..., dict[str, list[str]]]


def test_names_of_entries_and_assignments_are_known_and_all_others_are_named(
    check: Check, store: Store, issuer: Issuer
) -> None:
    # Processes remember lists for two seconds.
    lister = f"lister-{uuid4()}"
    store(build_entry(user_id="001", project="A"), client_id=lister)
    store(build_entry(user_id="003", project="C"), client_id="globex")
    AssignmentList.objects.create(
        issuer=issuer.url,
        client_id=lister,
        organization="",
        content="user_id,project\n002,\n,B\n,\n",
        decided_at=timezone.now(),
    )
    names = [("001", "B"), ("002", "A"), ("003", "C"), ("004", "A"), ("005", "D")]

    found = check(
        *({"user_id": user_id, "project": project} for user_id, project in names),
        token=issuer.mint(azp=lister),
    )

    assert found == {
        "Employees never seen before": ["003", "004", "005"],
        "Projects never seen before": ["C", "D"],
    }


def test_days_far_away_and_too_many_hours_on_a_day_are_named(check: Check, store: Store) -> None:
    store(build_entry(), build_entry(user_id="008"))
    long = {"hours": 13}
    corrected = {"hours": 12, "entry_id": "a", "user_id": "008"}

    found = check(
        *(long, long, {**long, "date": str(FAR)}, {"date": str(TODAY - timedelta(days=365))}),
        # One day of 20 hours, and an entry that is refused.
        *(corrected, {"hours": 8, "user_id": "008"}, {"hours": 25, "user_id": "refused"}),
        batch_format=CSV,
    )

    day, far = (f"{each.day} {each:%b %Y}" for each in (YESTERDAY, FAR))
    assert found == {
        "Days more than a year away": [far],
        "More than 24 hours on a day": [f"007 on {day}: 26"],
    }


def test_many_examples_are_counted_and_other_answers_have_none(check: Check, upload_many: UploadMany) -> None:
    entries = [make_entry(user_id=f"{number:05}") for number in range(10_000)]

    checked, plain, stored = (
        upload_many(entries, query=query, headers={"Prefer": preference}).json()
        for query, preference in (("?dry_run=true", "check"), ("?dry_run=true", ""), ("", "check"))
    )

    assert (checked["check"][0]["count"], len(checked["check"][0]["examples"])) == (10_000, MAX_EXAMPLES)
    assert ["check" in answer for answer in (plain, stored)] == [False, False]
    assert stored["created"] == 10_000


def test_one_object_is_checked_too(upload: Any, store: Store) -> None:
    answer = upload(
        make_entry(date=str(YESTERDAY)), path="/timesheets/upload?dry_run=true", headers={"Prefer": "check"}
    )

    assert [each["count"] for each in answer.json()["check"]] == [1, 1]
