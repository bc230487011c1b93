"""A page groups its entries by the days of the API's zone, and adds up what counts."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.api.reading import RECEIVED_AT
from tests.storage.entries import make_entry as build_entry
from timesheets.browser.days import CountedHours, add_up, group_by_day
from timesheets.storage.queries import StoredEntry

BERLIN = ZoneInfo("Europe/Berlin")


def build_stored(
    timesheet_id: int = 1,
    when: str = "2017-05-10T00:00:00Z",
    hours: str = "5",
    superseded_by: int | None = None,
) -> StoredEntry:
    entry = build_entry(date=datetime.fromisoformat(when).astimezone(UTC), hours=Decimal(hours))
    return StoredEntry(
        timesheet_id=timesheet_id,
        entry=entry,
        received_at=RECEIVED_AT,
        subject=None,
        upload_id=None,
        supersedes=None,
        superseded_by=superseded_by,
    )


@pytest.mark.parametrize(
    ("when", "day"),
    [
        *(("2017-05-10T21:59:59Z", "2017-05-10"), ("2017-05-10T22:00:00Z", "2017-05-11")),
        *(("2017-12-31T22:59:59Z", "2017-12-31"), ("2017-12-31T23:00:00Z", "2018-01-01")),
    ],
)
def test_a_day_is_one_of_the_given_zone(when: str, day: str) -> None:
    [(grouped, _)] = group_by_day([build_stored(when=when)], BERLIN, is_part=False)

    assert str(grouped) == day


@pytest.mark.parametrize(
    ("is_part", "expected"),
    [(False, [(12, [7]), (10, [9, 5])]), (True, [(10, [9]), (12, [7]), (10, [5])])],
)
def test_the_newest_day_is_first_but_a_part_of_a_list_keeps_its_order(
    is_part: bool, expected: list[tuple[int, list[int]]]
) -> None:
    times = ((9, "2017-05-10T08:00:00Z"), (7, "2017-05-12T08:00:00Z"), (5, "2017-05-10T07:00:00Z"))

    days = group_by_day([build_stored(row_id, when) for row_id, when in times], BERLIN, is_part=is_part)

    found = [(day.day, [stored.timesheet_id for stored in entries]) for day, entries in days]
    assert found == expected


def test_what_was_superseded_or_withdrawn_counts_for_nothing() -> None:
    superseded, withdrawn = build_stored(superseded_by=2), build_stored(2, hours="0")
    entries = [build_stored(hours="7.25"), superseded, withdrawn, build_stored(3)]

    assert add_up(entries) == CountedHours(hours=Decimal("12.25"), counted=2, uncounted=2)
