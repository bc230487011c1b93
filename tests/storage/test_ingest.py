"""The rows that a batch adds and the verdict on each of its entries, on both databases."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.storage.entries import (
    PAYROLL,
    RECEIVED_AT,
    ingest,
    list_outcomes,
    make_entry,
    read_entry,
    to_entry,
)
from timesheets.models import Client, Timesheet
from timesheets.storage.entries import Entry, Outcome, Verdict
from timesheets.storage.ingest import ingest_upload
from timesheets.storage.rows import TABLE
from timesheets.trust.principals import MachineClient

pytestmark = pytest.mark.usefixtures("database")

CREATED, EXISTING, CONFLICT = Outcome.CREATED, Outcome.EXISTING, Outcome.CONFLICT


def at_offset(timestamp: str, hours: int) -> datetime:
    return datetime.fromisoformat(timestamp).replace(tzinfo=timezone(timedelta(hours=hours)))


EXTREME_ENTRIES = [
    make_entry(date=at_offset("1900-01-01T00:00:00", 10)),
    make_entry(date=at_offset("2999-12-31T23:59:59.999999", -12)),
    make_entry(date=at_offset("2016-02-29T23:59:59.000001", 14)),
    make_entry(date=at_offset("2017-05-10T00:00:00", 0)),
    make_entry(hours=Decimal("0.01")),
    make_entry(hours=Decimal("24.00")),
    # No float is exactly this number.
    make_entry(hours=Decimal("7.10")),
    make_entry(user_id="ä" * 64, project="日" * 128),
    # Outside the basic multilingual plane.
    make_entry(user_id="\N{MUSICAL SYMBOL G CLEF}" * 64, project="\N{PILE OF POO}" * 128),
    make_entry(project="e\N{COMBINING ACUTE ACCENT}"),
    make_entry(project="a\N{LINE SEPARATOR}\N{ZERO WIDTH SPACE}b"),
    make_entry(user_id="NULL", project="null"),
    make_entry(user_id="{}", project='{"a", b}'),
    make_entry(user_id="\\", project='\\"\\\\'),
    make_entry(user_id="'", project="'; DROP TABLE timesheets_timesheet; --"),
    make_entry(user_id="%s", project="%(project)s %%"),
    make_entry(user_id="007", project="5"),
]


@pytest.mark.parametrize("subject", ["payroll@clients", None])
def test_an_entry_is_stored_with_its_provenance(subject: str | None) -> None:
    [verdict] = ingest(make_entry(), client=replace(PAYROLL, subject=subject))

    row = Timesheet.objects.get(pk=verdict.timesheet_id)
    assert (row.client.issuer, row.client.client_id) == (PAYROLL.issuer, "payroll")
    assert (row.subject, row.received_at) == (subject, RECEIVED_AT)


def test_entries_without_an_entry_id_are_all_created_in_batch_order() -> None:
    entry = make_entry()

    verdicts = ingest(*[entry] * 250) + ingest(*[entry] * 50)

    ids = [verdict.timesheet_id for verdict in verdicts]
    assert set(list_outcomes(verdicts)) == {CREATED}
    assert ids == sorted(set(ids))
    assert Timesheet.objects.count() == 300


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(lambda number: f"{number * 7919 % 10_000}", id="unsorted-keys"),
        pytest.param(lambda _: None, id="no-keys"),
        pytest.param(lambda number: f"{number}" if number % 3 else None, id="some-keys"),
    ],
)
def test_each_of_ten_thousand_entries_gets_its_own_row(key: Callable[[int], str | None]) -> None:
    batch = [make_entry(key(number), user_id=f"{number}") for number in range(10_000)]

    verdicts = ingest(*batch)
    again = [verdict for entry, verdict in zip(batch, verdicts, strict=True) if entry.entry_id][::-1]

    rows = Timesheet.objects.in_bulk()
    assert set(list_outcomes(verdicts)) == {CREATED}
    assert len(rows) == 10_000
    assert [to_entry(rows[verdict.timesheet_id]) for verdict in verdicts] == batch
    repeated = ingest(*(entry for entry in reversed(batch) if entry.entry_id))
    assert repeated == [Verdict(outcome=EXISTING, timesheet_id=each.timesheet_id) for each in again]


def test_a_rolled_back_batch_gets_verdicts_and_is_not_stored() -> None:
    [stored] = ingest(make_entry("a"))
    seen: list[Verdict] = []

    def refuse(verdicts: Sequence[Verdict]) -> bool:
        seen.extend(verdicts)
        return False

    verdicts = ingest_upload(
        PAYROLL, [make_entry("a"), make_entry("b")], RECEIVED_AT, commit_if=refuse
    ).verdicts

    assert list_outcomes(verdicts) == [EXISTING, CREATED]
    assert seen == verdicts
    assert [row.pk for row in Timesheet.objects.all()] == [stored.timesheet_id]
    assert list_outcomes(ingest(make_entry("a"), make_entry("b"))) == [EXISTING, CREATED]


def test_only_a_deadlock_is_retried_and_a_failed_batch_is_not_stored() -> None:
    attempts: list[Sequence[Verdict]] = []

    def lose_the_connection(verdicts: Sequence[Verdict]) -> bool:
        attempts.append(verdicts)
        raise OperationalError

    with pytest.raises(OperationalError):
        ingest_upload(PAYROLL, [make_entry("a")], RECEIVED_AT, commit_if=lose_the_connection)

    assert len(attempts) == 1
    assert not Timesheet.objects.exists()
    assert list_outcomes(ingest(make_entry("a"))) == [CREATED]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(PAYROLL, client_id="another"), id="another-client-id"),
        pytest.param(replace(PAYROLL, client_id="Payroll"), id="another-case"),
        pytest.param(replace(PAYROLL, issuer="https://other.example.com/"), id="another-issuer"),
    ],
)
def test_clients_neither_see_nor_block_each_others_entry_ids(other: MachineClient) -> None:
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


@pytest.mark.parametrize("size", [pytest.param(1, id="alone"), pytest.param(100, id="in-one-batch")])
def test_extreme_values_are_stored_unchanged(size: int) -> None:
    entries = [entry._replace(entry_id=f"{number}") for number, entry in enumerate(EXTREME_ENTRIES)]
    uploads = [entries[start : start + size] for start in range(0, len(entries), size)]

    verdicts = [verdict for upload in uploads for verdict in ingest(*upload)]

    assert set(list_outcomes(verdicts)) == {CREATED}
    assert [read_entry(verdict.timesheet_id) for verdict in verdicts] == entries
    assert {outcome for upload in uploads for outcome in list_outcomes(ingest(*upload))} == {EXISTING}


def test_entry_ids_are_case_sensitive_and_compared_in_full() -> None:
    entry_ids = ["a", "A", "a.", "a-", "a_", "a:", "x" * 128, "x" * 127 + "y", "007", "7", "null", "NULL"]
    batch = [make_entry(entry_id, user_id=entry_id[-64:]) for entry_id in entry_ids]

    verdicts = ingest(*batch)

    assert set(list_outcomes(verdicts)) == {CREATED}
    assert [read_entry(verdict.timesheet_id) for verdict in verdicts] == batch


HUNDREDS = [make_entry(f"{number:04}") for number in range(250)]


@pytest.mark.parametrize("existing", [0, 100, 249])
def test_only_new_entries_of_a_large_batch_are_inserted(existing: int) -> None:
    """PostgreSQL stores the first hundred in another way than the rest."""
    [stored] = ingest(HUNDREDS[existing])

    verdicts = ingest(*HUNDREDS)

    expected = [EXISTING if number == existing else CREATED for number in range(len(HUNDREDS))]
    assert list_outcomes(verdicts) == expected
    assert verdicts[existing].timesheet_id == stored.timesheet_id
    assert [read_entry(verdict.timesheet_id) for verdict in verdicts] == HUNDREDS


def test_an_upload_takes_as_many_statements_for_thousands_of_entries_as_for_hundreds() -> None:
    thousands = [make_entry(f"{number:04}") for number in range(2500)]
    corrections = [entry._replace(revision=2, reason="wrong") for entry in thousands]
    # Creates the client.
    ingest(make_entry())

    counts = [
        [count_statements(upload[:250]), count_statements(upload[250:])]
        for upload in (thousands, thousands, corrections)
    ]

    assert [few for few, _ in counts] == [many for _, many in counts]


def count_statements(entries: Sequence[Entry]) -> int:
    # Within a transaction, the upload uses this connection.
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        ingest(*entries)
    return len(queries)


@pytest.mark.parametrize(
    "before", [pytest.param([], id="alone"), pytest.param(HUNDREDS, id="in-a-large-batch")]
)
@pytest.mark.parametrize("microsecond", [0, 1, 120000])
def test_a_row_is_the_same_as_one_that_django_writes(microsecond: int, before: list[Entry]) -> None:
    entry = make_entry("a", hours=Decimal("7.10"))
    date = entry.date.replace(microsecond=microsecond)
    *_, verdict = ingest_upload(PAYROLL, [*before, entry._replace(date=date)], date).verdicts
    stored = Timesheet.objects.get(pk=verdict.timesheet_id)

    copy = Timesheet.objects.create(
        client=stored.client,
        subject=PAYROLL.subject,
        received_at=date,
        **{**entry._replace(revision=1)._asdict(), "date": date, "entry_id": "b"},
    )

    assert read_raw(stored.pk) == read_raw(copy.pk)


def read_raw(timesheet_id: int) -> tuple[Any, ...]:
    """The raw row, without its id and `entry_id`."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT client_id, user_id, CAST(date AS text), project, CAST(hours AS text), "  # noqa: S608
            f"CAST(received_at AS text), subject FROM {TABLE} WHERE id = %s",
            [timesheet_id],
        )
        row: tuple[Any, ...] = cursor.fetchone()
    return row
