"""The gate: which entries a client may add, and what an entry outside leaves to others."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import connections

from tests.storage.entries import PAYROLL, RECEIVED_AT, list_outcomes, make_entry
from tests.storage.uploads import repeat_while_refused
from timesheets.models import AssignmentList, Timesheet
from timesheets.storage.assignments import Assignments, read_assignments
from timesheets.storage.corrections import store_as_current
from timesheets.storage.entries import Entry, Outcome, Verdict
from timesheets.storage.gate import MAX_REMEMBERED_PAIRS, Gate
from timesheets.storage.ingest import ingest_upload
from timesheets.storage.policy_files import PolicyFileWrong
from timesheets.uploads.gates import open_gate

CREATED, EXISTING, CONFLICT = Outcome.CREATED, Outcome.EXISTING, Outcome.CONFLICT
NOT_ASSIGNED, OUTSIDE_WINDOW = Outcome.NOT_ASSIGNED, Outcome.OUTSIDE_WINDOW
LIST = """user_id,project,from,to,hours_per_week
007,StoreZero,2017-05-01,,40
008,,2017-05-01,2017-05-10,20
,Support,,,
"""
OTHER = make_entry("a", user_id="009")
INSIDE = make_entry("a")


def read(text: str) -> Assignments:
    return Assignments(read_assignments(BytesIO(text.encode())))


def make_gate(text: str = LIST, zone: str = "UTC", **window: date) -> Gate:
    days: dict[str, Any] = {"first_day": date.min, "last_day": date.max, **window}
    return Gate(zone=ZoneInfo(zone), assignments=read(text), **days)


def ingest(*entries: Entry, gate: Gate | None = None, correct: bool = False) -> list[Verdict]:
    def store_current(provenance: Any, entries: Any) -> list[Verdict]:
        return store_as_current(provenance, entries, may_correct=True)

    store = store_current if correct else None
    return ingest_upload(PAYROLL, entries, RECEIVED_AT, gate=gate or make_gate(), store=store).verdicts


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "member"),
    [
        ({}, None),
        ({"date": at("2017-05-01")}, None),
        ({"date": at("2999-01-01")}, None),
        ({"date": at("2017-04-30T23:59:59")}, "date"),
        ({"project": "Other"}, "project"),
        ({"project": "Support", "date": at("1999-01-01")}, None),
        ({"user_id": "008", "project": "Anything", "date": at("2017-05-10T23:59:59")}, None),
        ({"user_id": "008", "date": at("2017-05-11")}, "date"),
        ({"user_id": "009"}, "project"),
        ({"user_id": "009", "project": "Support"}, None),
    ],
)
def test_an_entry_is_inside_if_one_row_matches_employee_project_and_day(
    changes: dict[str, Any], member: str | None
) -> None:
    verdict = make_gate().refuse(make_entry(**changes))

    assert (verdict and verdict.refused_member) == member
    assert verdict is None or verdict.outcome is NOT_ASSIGNED


def test_a_list_that_names_employees_refuses_the_others_by_their_id() -> None:
    verdict = make_gate("user_id\n007\n").refuse(OTHER)

    assert verdict == Verdict(NOT_ASSIGNED, 0, refused_member="user_id")


@pytest.mark.parametrize("text", ["user_id\n", "user_id,project\n"])
def test_an_empty_list_allows_nothing(text: str) -> None:
    assert make_gate(text).refuse(INSIDE) == Verdict(NOT_ASSIGNED, 0, refused_member="user_id")


def test_a_row_of_empty_cells_allows_everything() -> None:
    assert make_gate("user_id,project\n,\n").refuse(OTHER) is None


def test_days_are_those_of_the_zone() -> None:
    late = make_entry(user_id="008", date=at("2017-05-10T22:30:00"))

    assert make_gate().refuse(late) is None
    assert make_gate(zone="Europe/Berlin").refuse(late) is not None


@pytest.mark.parametrize(
    ("day", "outcome"),
    [
        ("2017-05-08", OUTSIDE_WINDOW),
        ("2017-05-09", None),
        ("2017-05-12", None),
        ("2206-05-10", OUTSIDE_WINDOW),
    ],
)
def test_the_window_is_judged_before_assignments(day: str, outcome: Outcome | None) -> None:
    gate = make_gate("user_id\n", first_day=date(2017, 5, 9), last_day=date(2017, 5, 12))

    verdict = gate.refuse(make_entry(date=at(day)))

    assert verdict is not None
    assert verdict.outcome is (outcome or NOT_ASSIGNED)


@pytest.mark.usefixtures("database")
def test_entries_without_an_entry_id_are_judged_alone() -> None:
    verdicts = ingest(INSIDE._replace(entry_id=None), OTHER._replace(entry_id=None))

    assert list_outcomes(verdicts) == [CREATED, NOT_ASSIGNED]


@pytest.mark.parametrize("others", [0, 2])
@pytest.mark.usefixtures("database")
def test_only_what_would_be_added_is_judged(others: int) -> None:
    more = [make_entry(f"other-{number}") for number in range(others)]
    ingest_upload(PAYROLL, [OTHER, *more], RECEIVED_AT)

    again = ingest(OTHER, *more)
    changed = ingest(OTHER._replace(hours=Decimal(6)), *more)
    new = ingest(OTHER._replace(entry_id="new"), OTHER._replace(entry_id=None), *more)

    assert list_outcomes(again)[0] is EXISTING
    assert list_outcomes(changed)[0] is CONFLICT
    assert list_outcomes(new)[:2] == [NOT_ASSIGNED, NOT_ASSIGNED]
    assert Timesheet.objects.count() == 1 + others


@pytest.mark.parametrize("correct", [False, True])
@pytest.mark.usefixtures("database")
def test_an_entry_outside_leaves_its_entry_id_to_a_later_one(correct: bool) -> None:
    verdicts = ingest(OTHER, INSIDE, INSIDE, OTHER._replace(reason="why"), correct=correct)

    last = CONFLICT
    assert list_outcomes(verdicts) == [NOT_ASSIGNED, CREATED, EXISTING, last]
    assert [row.user_id for row in Timesheet.objects.all()] == ["007"]


CORRECTIONS = [
    pytest.param({"hours": Decimal(4)}, CREATED, id="lower"),
    pytest.param({"hours": Decimal(0)}, CREATED, id="withdrawn"),
    pytest.param({"hours": Decimal(4), "date": at("2017-05-10")}, CREATED, id="same-day"),
    pytest.param({"hours": Decimal(6)}, NOT_ASSIGNED, id="higher"),
    pytest.param({"hours": Decimal(4), "project": "Other"}, NOT_ASSIGNED, id="other-project"),
    pytest.param({"hours": Decimal(4), "date": at("2017-05-11")}, NOT_ASSIGNED, id="other-day"),
    pytest.param({"hours": Decimal(4), "user_id": "010"}, NOT_ASSIGNED, id="other-employee"),
    pytest.param({"hours": Decimal(6), "user_id": "007"}, CREATED, id="to-an-assigned-employee"),
    pytest.param({"hours": Decimal(0), "user_id": "010"}, CREATED, id="withdrawn-from-another"),
]


@pytest.mark.parametrize("correct", [False, True])
@pytest.mark.parametrize(("changes", "outcome"), CORRECTIONS)
@pytest.mark.usefixtures("database")
def test_a_correction_that_adds_nothing_is_not_judged(
    changes: dict[str, Any], outcome: Outcome, correct: bool
) -> None:
    ingest_upload(PAYROLL, [OTHER], RECEIVED_AT)
    number: dict[str, Any] = {} if correct else {"revision": 2}
    correction = OTHER._replace(**{"reason": "why", **number, **changes})

    [verdict] = ingest(correction, correct=correct)

    assert verdict.outcome is outcome
    assert Timesheet.objects.count() == (2 if outcome is CREATED else 1)


@pytest.mark.usefixtures("database")
def test_a_correction_after_one_that_was_refused_finds_a_gap() -> None:
    ingest_upload(PAYROLL, [OTHER], RECEIVED_AT)
    revisions = [
        OTHER._replace(revision=number, reason="why", hours=Decimal(hours))
        for number, hours in ((2, 9), (3, 1))
    ]

    assert list_outcomes(ingest(*revisions)) == [NOT_ASSIGNED, Outcome.REVISION_GAP]


def test_what_a_gate_remembers_is_bounded() -> None:
    gate = make_gate("user_id,project\n,\n")

    refused = [gate.refuse(make_entry(user_id=str(number))) for number in range(MAX_REMEMBERED_PAIRS + 100)]

    assert set(refused) == {None}
    assert len(gate.inside) == MAX_REMEMBERED_PAIRS


BAD_LISTS = {
    "no-user-id": ("project\nX\n", ["1: the column user_id is missing"]),
    "unknown-column": ("user_id,rate\n", ["1: there is no column 'rate'"]),
    "twice": ("user_id,user_id\n", ["1: the column user_id is there more than once"]),
    "too-few-cells": ("user_id,project\n007\n", ["2: this row does not have 2 cells"]),
    "too-many-cells": ("user_id\n007,X\n", ["2: this row does not have 1 cells"]),
    "empty": ("", ["there are only blank lines"]),
    "long": (f"user_id,project\n{'x' * 65},{'y' * 129}\n", ["2: user_id: has", "2: project: has"]),
    "control": ("user_id\n0\x1b7\n", ["2: user_id: has control"]),
    "dates": (
        "user_id,from,to\n1,2026-02-30,\n2,,1.5.2026\n3,2026-05-02,2026-05-01\n",
        ["2: from: is not a date", "3: to: is not a date", "4: to: is before from"],
    ),
    "hours": (
        "user_id,hours_per_week\n" + "".join(f"1,{text}\n" for text in ("0", "168.01", "1.234", "1e1", "-1")),
        [f"{line}: hours_per_week: must be above 0" for line in range(2, 7)],
    ),
}


@pytest.mark.parametrize(
    ("text", "problems"), [pytest.param(*values, id=name) for name, values in BAD_LISTS.items()]
)
def test_a_list_with_errors_is_refused_with_all_of_them(text: str, problems: list[str]) -> None:
    with pytest.raises(PolicyFileWrong) as refused:
        read(text)

    lines = str(refused.value).splitlines()
    assert len(lines) == len(problems)
    assert all(line.startswith(problem) for line, problem in zip(lines, problems, strict=True))


def test_many_periods_of_one_employee_are_one_look_up() -> None:
    first = date(1950, 1, 1)
    days = [first + timedelta(days=number) for number in range(0, 40_000, 2)]
    assignments = read("user_id,from,to\n" + "".join(f"007,{day},{day}\n" for day in reversed(days)))

    assert assignments.find_fault("007", "X", days[12_345]) is None
    assert assignments.find_fault("007", "X", days[12_345] + timedelta(days=1)) == "date"


@pytest.mark.usefixtures("database")
def test_eight_writers_judge_each_batch_by_one_list_while_lists_change() -> None:
    batch = [make_entry(user_id=user_id) for user_id in ("007", "008") * 20]
    patterns = [[CREATED, NOT_ASSIGNED] * 20, [NOT_ASSIGNED, CREATED] * 20]
    # Processes remember the lists of a client.
    client = replace(PAYROLL, client_id=f"writers-{uuid4()}")
    seen: set[int] = set()
    # A list counts two seconds later, so the longest wait is for a machine that is busy.
    soonest, latest = time.monotonic() + 3, time.monotonic() + 60
    people = itertools.cycle(["008", "008", "007"])

    def set_list(user_id: str) -> None:
        content = f"user_id\n{user_id}\n"
        AssignmentList.objects.create(**client.key._asdict(), content=content, decided_at=RECEIVED_AT)

    def upload(number: int) -> None:
        try:
            while (now := time.monotonic()) < soonest or (now < latest and seen != {0, 1}):
                if number == 0:
                    set_list(next(people))
                gate = open_gate(client, RECEIVED_AT)
                verdicts = repeat_while_refused(lambda gate=gate: ingest(*batch, gate=gate))  # type: ignore[misc]
                seen.add(patterns.index(list_outcomes(verdicts)))
        finally:
            connections.close_all()

    set_list("007")
    with ThreadPoolExecutor(8) as executor:
        list(executor.map(upload, range(8)))

    assert seen == {0, 1}
