"""Who is missing in a week, rule by rule, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.storage.entries import PAYROLL, RECEIVED_AT, ingest, make_entry
from timesheets.formats.days import Week
from timesheets.models import AssignmentList
from timesheets.storage.missing import WeekNotBegun, find_missing
from timesheets.storage.rows import Reach
from timesheets.trust.principals import MachineClient

pytestmark = pytest.mark.usefixtures("database")

WEEK = Week.parse("2017-W19")
AFTER = datetime(2017, 5, 15, tzinfo=UTC)
HEADER = "user_id,project,from,to,hours_per_week\n"


def set_list(rows: str | None, client: MachineClient = PAYROLL) -> None:
    content = None if rows is None else HEADER + rows.replace(" ", "\n")
    AssignmentList.objects.create(**client.key._asdict(), content=content, decided_at=RECEIVED_AT)


def work(user_id: str, hours: object, entry_id: str | None = None, **changes: Any) -> Any:
    return make_entry(entry_id, user_id=user_id, hours=Decimal(str(hours)), **changes)


def find(reach: Reach | None = None, now: datetime = AFTER, zone: str = "UTC") -> Any:
    return find_missing(reach or Reach(own=PAYROLL.key), PAYROLL.issuer, WEEK, ZoneInfo(zone), now)


def list_people(**options: Any) -> list[str] | None:
    """Each person as text: the status, the hours and what was expected."""
    people, _ = find(**options)
    return people and [f"{each.user_id} {each.status} {each.hours} {each.expected}" for each in people]


@pytest.mark.parametrize(
    ("rows", "hours", "people"),
    [
        pytest.param("007,,,,40", {}, ["007 missing 0 40"], id="without-hours"),
        pytest.param("007,,,,40", {"007": 39.99}, ["007 short 39.99 40"], id="fewer-hours"),
        pytest.param("007,,,,0.3", {"007": 0.3}, ["007 complete 0.30 0.3"], id="all-hours"),
        pytest.param("007,,,,0.3", {"007": 24}, ["007 complete 24.00 0.3"], id="more-hours"),
        pytest.param("007,,,,", {}, ["007 missing 0 None"], id="nothing-expected-but-named"),
        pytest.param("007,,,,", {"007": 1}, ["007 complete 1.00 None"], id="nothing-expected"),
        pytest.param("007,A,,,8 007,B,,,8.5 007,C,,,", {}, ["007 missing 0 16.5"], id="several-rows"),
        pytest.param("007,Other,,,4", {"007": 4}, ["007 complete 4.00 4"], id="on-another-project"),
        pytest.param("007,,2017-05-08,2017-05-14,8", {}, ["007 missing 0 8"], id="just-the-week"),
        pytest.param("007,,2017-05-09,,8", {}, ["007 missing 0 None"], id="without-its-monday"),
        pytest.param("007,,,2017-05-13,8", {}, ["007 missing 0 None"], id="without-its-sunday"),
        pytest.param("007,,,2017-05-13,8 007,,,,2", {"007": 2}, ["007 complete 2.00 2"], id="part-and-all"),
        pytest.param("007,,2017-05-14,,8", {}, ["007 missing 0 None"], id="only-its-sunday"),
        pytest.param("007,,,2017-05-08,8", {}, ["007 missing 0 None"], id="only-its-monday"),
        pytest.param("007,,2017-05-15,,8 007,,,2017-05-07,8", {}, [], id="in-other-weeks"),
        pytest.param(
            "007,,2017-05-15,,8", {"007": 1}, ["007 unexpected 1.00 None"], id="hours-before-the-first-day"
        ),
        pytest.param("007,,,,", {"008": 1}, ["007 missing 0 None", "008 unexpected 1.00 None"], id="unknown"),
        pytest.param(",Support,,,40", {"008": 1}, ["008 complete 1.00 None"], id="a-row-for-everybody"),
        pytest.param(
            ",,2017-05-15,,40", {"008": 1}, ["008 unexpected 1.00 None"], id="for-everybody-in-another-week"
        ),
        pytest.param("", {}, [], id="an-empty-list"),
        pytest.param(None, {"007": 1}, None, id="a-list-that-was-removed"),
    ],
)
def test_what_the_list_and_the_hours_make_of_a_person(
    rows: str | None, hours: dict[str, float], people: list[str] | None
) -> None:
    set_list("007,,,,1")
    set_list(rows)
    ingest(*(work(user_id, worked) for user_id, worked in hours.items()))

    assert list_people() == people


def test_only_hours_of_the_week_that_are_current_count() -> None:
    set_list("007,,,,40 008,,,,40 009,,,,40")
    monday = datetime(2017, 5, 8, tzinfo=UTC)
    tick = timedelta(microseconds=1)
    ingest(
        *(work("007", 1, date=day) for day in (monday - tick, monday + timedelta(days=7))),
        *(work("007", 2, date=day) for day in (monday, monday + timedelta(days=7) - tick)),
        work("007", 8, "corrected"),
        work("008", 8, "withdrawn"),
        work("009", 8, "moved"),
    )
    ingest(
        work("007", 5.25, "corrected", revision=2, reason="why"),
        work("008", 0, "withdrawn", revision=2, reason="why"),
        work("009", 8, "moved", revision=2, reason="why", date=AFTER),
    )
    ingest(work("008", 8), client=replace(PAYROLL, client_id="other"))

    assert list_people() == ["008 missing 0 40", "009 missing 0 40", "007 short 9.25 40"]


def test_hundredths_add_up_exactly() -> None:
    set_list("007,,,,49")
    ingest(*(work("007", 0.07) for _ in range(700)))

    assert list_people() == ["007 complete 49.00 49"]


@pytest.mark.parametrize(
    ("now", "has_ended"),
    [
        ("2017-05-07T21:59:59", None),
        ("2017-05-07T22:00:00", False),
        ("2017-05-14T21:59:59", False),
        ("2017-05-14T22:00:00", True),
    ],
)
def test_before_the_week_has_ended_in_the_zone_nobody_is_missing(now: str, has_ended: bool | None) -> None:
    set_list("missing,,,,40 short,,,,40 complete,,,,1")
    monday, berlin = datetime(2017, 5, 7, 22, tzinfo=UTC), "Europe/Berlin"
    ingest(*(work(user_id, 1, date=monday) for user_id in ("short", "complete", "unexpected")))
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    if has_ended is None:
        with pytest.raises(WeekNotBegun):
            find(now=at, zone=berlin)
        return

    people, ended = find(now=at, zone=berlin)

    first = ["missing", "short"] if has_ended else ["open", "open"]
    assert [each.status for each in people] == [*first, "complete", "unexpected"]
    assert [each.user_id for each in people] == ["missing", "short", "complete", "unexpected"]
    assert ended == has_ended


def test_every_client_with_a_list_is_covered_and_ties_are_ordered() -> None:
    others = [
        replace(PAYROLL, client_id="a", organization="org_2"),
        replace(PAYROLL, client_id="a", organization="org_1"),
    ]
    for client in (PAYROLL, *others):
        set_list("B,,,,1 a,,,,1 \u00e4,,,,1", client)
    set_list("c,,,,", replace(PAYROLL, issuer="https://former.example/"))
    unlisted = replace(PAYROLL, client_id="unlisted")
    for client in (*others, unlisted):
        ingest(work("a", 1), client=client)

    def list_keys(reach: Reach) -> list[tuple[str, ...]]:
        people, _ = find(reach)
        return [(each.status, each.user_id, *each.client[1:]) for each in people if each.user_id != "B"]

    missing = [
        ("missing", "\u00e4", "a", "org_1"),
        ("missing", "\u00e4", "a", "org_2"),
        ("missing", "\u00e4", "payroll", ""),
    ]
    complete = [("complete", "a", "a", "org_1"), ("complete", "a", "a", "org_2")]
    assert list_keys(Reach(own=None)) == [("missing", "a", "payroll", ""), *missing, *complete]
    assert list_keys(Reach(own=None, client_ids=["a", "unlisted"])) == [*missing[:2], *complete]
    assert list_keys(Reach(own=others[0].key)) == [missing[1], complete[1]]
    assert find(Reach(own=None, client_ids=["unlisted"])) == (None, True)
