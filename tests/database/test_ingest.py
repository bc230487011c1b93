"""What is stored of a batch, and what is said of each of its entries, on either database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from django.db import OperationalError

from tests.database.entries import (
    PAYROLL,
    RECEIVED_AT,
    ingest,
    list_outcomes,
    make_entry,
    read_entry,
    to_entry,
)
from timesheets.models import Client, Timesheet
from timesheets.storage.entries import Entry
from timesheets.storage.ingest import Outcome, Verdict, ingest_entries

pytestmark = pytest.mark.usefixtures("database")

CREATED, EXISTING, CONFLICT = Outcome.CREATED, Outcome.EXISTING, Outcome.CONFLICT


def at_offset(timestamp: str, hours: int) -> datetime:
    return datetime.fromisoformat(timestamp).replace(tzinfo=timezone(timedelta(hours=hours)))


EXTREME_ENTRIES = [
    pytest.param(make_entry(date=at_offset("1900-01-01T00:00:00", 10)), id="earliest-date"),
    pytest.param(make_entry(date=at_offset("2999-12-31T23:59:59.999999", -12)), id="latest-date"),
    pytest.param(make_entry(date=at_offset("2016-02-29T23:59:59.000001", 14)), id="one-microsecond"),
    pytest.param(make_entry(date=at_offset("2017-05-10T00:00:00", 0)), id="midnight"),
    pytest.param(make_entry(hours=Decimal("0.01")), id="least-hours"),
    pytest.param(make_entry(hours=Decimal("24.00")), id="most-hours"),
    pytest.param(make_entry(hours=Decimal("7.10")), id="hours-that-no-float-holds"),
    pytest.param(make_entry(user_id="ä" * 64, project="日" * 128), id="longest-names"),
    pytest.param(
        make_entry(user_id="\N{MUSICAL SYMBOL G CLEF}" * 64, project="\N{PILE OF POO}" * 128),
        id="longest-names-of-astral-characters",
    ),
    pytest.param(make_entry(project="e\N{COMBINING ACUTE ACCENT}"), id="combining-accent"),
    pytest.param(make_entry(project="a\N{LINE SEPARATOR}\N{ZERO WIDTH SPACE}b"), id="invisible-characters"),
    pytest.param(make_entry(user_id="NULL", project="null"), id="null-as-a-name"),
    pytest.param(make_entry(user_id="{}", project='{"a", b}'), id="braces"),
    pytest.param(make_entry(user_id="\\", project='\\"\\\\'), id="backslashes"),
    pytest.param(make_entry(user_id="'", project="'; DROP TABLE timesheets_timesheet; --"), id="quotes"),
    pytest.param(make_entry(user_id="%s", project="%(project)s %%"), id="placeholders"),
    pytest.param(make_entry(user_id="007", project="5"), id="digits-as-names"),
]


def test_a_new_entry_is_created() -> None:
    entry = make_entry("week-19:1")

    [verdict] = ingest(entry)

    assert verdict.outcome is CREATED
    assert read_entry(verdict.timesheet_id) == entry


def test_an_entry_is_stored_with_its_sender() -> None:
    [verdict] = ingest(make_entry())

    row = Timesheet.objects.get(pk=verdict.timesheet_id)
    assert (row.client.issuer, row.client.client_id) == (PAYROLL.issuer, "payroll")
    assert (row.subject, row.received_at) == ("payroll@clients", RECEIVED_AT)


def test_an_entry_of_a_token_without_a_subject_has_none() -> None:
    [verdict] = ingest(make_entry(), client=replace(PAYROLL, subject=None))

    assert Timesheet.objects.get(pk=verdict.timesheet_id).subject is None


def test_the_same_entry_again_exists_already() -> None:
    [first] = ingest(make_entry("week-19:1"))

    [second] = ingest(make_entry("week-19:1"))

    assert second == Verdict(outcome=EXISTING, timesheet_id=first.timesheet_id)
    assert Timesheet.objects.count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"hours": Decimal("5.00")}, id="hours-in-cents"),
        pytest.param({"date": at_offset("2017-05-10T19:40:20.095", 2)}, id="date-of-another-zone"),
    ],
)
def test_content_is_the_same_by_value(changes: dict) -> None:
    ingest(make_entry("week-19:1"))

    [verdict] = ingest(make_entry("week-19:1", **changes))

    assert verdict.outcome is EXISTING


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"user_id": "7"}, id="user"),
        pytest.param({"date": datetime(2017, 5, 10, 17, 40, 20, 95001, tzinfo=UTC)}, id="microsecond"),
        pytest.param({"project": "storezero"}, id="case-of-the-project"),
        pytest.param({"hours": Decimal("5.01")}, id="hundredth-of-an-hour"),
    ],
)
def test_other_content_is_a_conflict_and_changes_nothing(changes: dict) -> None:
    entry = make_entry("week-19:1")
    [stored] = ingest(entry)

    [verdict] = ingest(make_entry("week-19:1", **changes))

    assert verdict == Verdict(outcome=CONFLICT, timesheet_id=stored.timesheet_id)
    assert read_entry(stored.timesheet_id) == entry


def test_of_repeats_in_a_batch_the_first_counts() -> None:
    entry, other = make_entry("a"), make_entry("a", hours=Decimal(6))

    verdicts = ingest(entry, entry, other, entry)

    assert list_outcomes(verdicts) == [CREATED, EXISTING, CONFLICT, EXISTING]
    assert len({verdict.timesheet_id for verdict in verdicts}) == 1
    assert read_entry(verdicts[0].timesheet_id) == entry


def test_repeats_of_what_is_stored_are_compared_with_that() -> None:
    [stored] = ingest(make_entry("a"))

    verdicts = ingest(make_entry("a", hours=Decimal(6)), make_entry("a", hours=Decimal(6)), make_entry("a"))

    assert list_outcomes(verdicts) == [CONFLICT, CONFLICT, EXISTING]
    assert {verdict.timesheet_id for verdict in verdicts} == {stored.timesheet_id}


def test_entries_without_an_entry_id_are_all_new_in_order_of_the_batch() -> None:
    entry = make_entry()

    verdicts = ingest(*[entry] * 50) + ingest(*[entry] * 50)

    ids = [verdict.timesheet_id for verdict in verdicts]
    assert set(list_outcomes(verdicts)) == {CREATED}
    assert ids == sorted(set(ids))
    assert Timesheet.objects.count() == 100


def test_in_a_mixed_batch_each_entry_is_told_its_own_row() -> None:
    ingest(make_entry("b", user_id="1"), make_entry("e", user_id="other"))
    entry_ids = ["c", None, "b", None, None, "a", "e", None, "d"]
    batch = [make_entry(entry_id, user_id=str(number)) for number, entry_id in enumerate(entry_ids)]
    batch[2] = make_entry("b", user_id="1")

    verdicts = ingest(*batch)

    assert list_outcomes(verdicts) == [
        CREATED,
        CREATED,
        EXISTING,
        CREATED,
        CREATED,
        CREATED,
        CONFLICT,
        CREATED,
        CREATED,
    ]
    for entry, verdict in zip(batch, verdicts, strict=True):
        assert (read_entry(verdict.timesheet_id) == entry) == (verdict.outcome is not CONFLICT)


def test_a_batch_of_none_is_fine() -> None:
    assert ingest() == []


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(lambda number: f"{number * 7919 % 10_000}", id="keys-in-no-order"),
        pytest.param(lambda _: None, id="no-keys"),
        pytest.param(lambda number: f"{number}" if number % 3 else None, id="keys-on-some"),
    ],
)
def test_ten_thousand_entries_are_each_told_their_own_row(key) -> None:
    batch = [make_entry(key(number), user_id=f"{number}") for number in range(10_000)]

    verdicts = ingest(*batch)

    rows = Timesheet.objects.in_bulk()
    assert set(list_outcomes(verdicts)) == {CREATED}
    assert len(rows) == 10_000
    assert [to_entry(rows[verdict.timesheet_id]) for verdict in verdicts] == batch


def test_ten_thousand_entries_again_exist_all() -> None:
    batch = [make_entry(f"{number}", user_id=f"{number}") for number in range(10_000)]
    first = ingest(*batch)

    second = ingest(*reversed(batch))

    assert set(list_outcomes(second)) == {EXISTING}
    assert [verdict.timesheet_id for verdict in reversed(second)] == [
        verdict.timesheet_id for verdict in first
    ]


def test_a_refused_batch_is_judged_and_not_stored() -> None:
    [stored] = ingest(make_entry("a"))
    seen = []

    def refuse(verdicts: list[Verdict]) -> bool:
        seen.extend(verdicts)
        return False

    verdicts = ingest_entries(PAYROLL, [make_entry("a"), make_entry("b")], RECEIVED_AT, commit_if=refuse)

    assert list_outcomes(verdicts) == [EXISTING, CREATED]
    assert seen == verdicts
    assert [row.pk for row in Timesheet.objects.all()] == [stored.timesheet_id]


def test_a_batch_after_a_refused_one_is_stored() -> None:
    batch = [make_entry("a"), make_entry()]
    ingest_entries(PAYROLL, batch, RECEIVED_AT, commit_if=lambda _: False)

    verdicts = ingest(*batch)

    assert list_outcomes(verdicts) == [CREATED, CREATED]
    assert [read_entry(verdict.timesheet_id) for verdict in verdicts] == batch


def test_nothing_is_stored_when_the_judge_of_a_batch_fails() -> None:
    def fail(verdicts: list[Verdict]) -> bool:
        raise LookupError

    with pytest.raises(LookupError):
        ingest_entries(PAYROLL, [make_entry("a")], RECEIVED_AT, commit_if=fail)

    assert not Timesheet.objects.exists()
    assert list_outcomes(ingest(make_entry("a"))) == [CREATED]


def test_what_is_no_deadlock_is_not_tried_again() -> None:
    tries = []

    def lose_the_database(verdicts: list[Verdict]) -> bool:
        tries.append(verdicts)
        raise OperationalError

    with pytest.raises(OperationalError):
        ingest_entries(PAYROLL, [make_entry("a")], RECEIVED_AT, commit_if=lose_the_database)

    assert len(tries) == 1


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(PAYROLL, client_id="another"), id="another-client-id"),
        pytest.param(replace(PAYROLL, client_id="Payroll"), id="another-case"),
        pytest.param(replace(PAYROLL, issuer="https://other.example.com/"), id="another-issuer"),
    ],
)
def test_clients_neither_see_nor_block_each_others_entry_ids(other) -> None:
    mine, theirs = make_entry("a"), make_entry("a", hours=Decimal(6))

    [my_verdict], [their_verdict] = ingest(mine), ingest(theirs, client=other)

    assert (my_verdict.outcome, their_verdict.outcome) == (CREATED, CREATED)
    assert read_entry(my_verdict.timesheet_id) == mine
    assert read_entry(their_verdict.timesheet_id) == theirs
    assert list_outcomes(ingest(theirs, client=other)) == [EXISTING]


def test_subjects_of_one_client_share_its_entry_ids() -> None:
    ingest(make_entry("a"))

    [verdict] = ingest(make_entry("a"), client=replace(PAYROLL, subject="auth0|7"))

    assert verdict.outcome is EXISTING
    assert Client.objects.count() == 1


@pytest.mark.parametrize("entry", EXTREME_ENTRIES)
def test_an_extreme_value_is_stored_as_it_is(entry: Entry) -> None:
    keyed = replace(entry, entry_id="a")

    [verdict] = ingest(keyed)

    assert verdict.outcome is CREATED
    assert read_entry(verdict.timesheet_id) == keyed
    assert list_outcomes(ingest(keyed)) == [EXISTING]


def test_extreme_values_are_stored_as_they_are_in_one_batch() -> None:
    batch = [parameter.values[0] for parameter in EXTREME_ENTRIES]

    verdicts = ingest(*batch)

    assert [read_entry(verdict.timesheet_id) for verdict in verdicts] == batch


def test_entry_ids_differ_by_case_and_by_each_of_128_characters() -> None:
    entry_ids = ["a", "A", "a.", "a-", "a_", "a:", "x" * 128, "x" * 127 + "y", "007", "7", "null", "NULL"]
    batch = [make_entry(entry_id, user_id=entry_id[-64:]) for entry_id in entry_ids]

    verdicts = ingest(*batch)

    assert set(list_outcomes(verdicts)) == {CREATED}
    assert [read_entry(verdict.timesheet_id) for verdict in verdicts] == batch
