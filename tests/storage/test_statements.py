"""The statements of an upload: their number, and what they write and find."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from psycopg.errors import DeadlockDetected

from tests.kit.default_database import Database, only_on
from tests.storage.entries import PAYROLL, RECEIVED_AT, ingest, list_outcomes, make_entry, read_entry
from timesheets.models import Client, Timesheet
from timesheets.storage.entries import Entry
from timesheets.storage.ingest import ingest_entries
from timesheets.storage.rows import TABLE
from timesheets.storage.stores import find_current
from timesheets.storage.verdicts import Outcome, Verdict

pytestmark = pytest.mark.usefixtures("database")

KEYED = [make_entry(f"{number}") for number in range(50)]
KEYLESS = [make_entry()] * 50
HUNDREDS = [make_entry(f"{number:03}") for number in range(250)]


def ingest_and_list_statements(*entries: Entry) -> list[str]:
    """The statements of an upload that use the timesheets table or change settings."""
    # Within a transaction, the upload uses this connection.
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        ingest(*entries)
    statements = [query["sql"] for query in queries.captured_queries]
    return [sql for sql in statements if "timesheets_timesheet" in sql or "set_config" in sql]


@pytest.fixture
def known_client(database: Database) -> None:
    ingest(make_entry("first"))


@only_on("postgresql")
@pytest.mark.usefixtures("known_client")
@pytest.mark.parametrize(
    ("entries", "inserts"),
    [
        pytest.param(KEYED, 1, id="with-entry-ids"),
        pytest.param(KEYLESS, 1, id="without-entry-ids"),
        pytest.param(KEYED + KEYLESS, 1, id="with-and-without"),
        pytest.param([], 0, id="no-entries"),
    ],
)
def test_a_hundred_new_entries_take_one_statement(entries: list[Entry], inserts: int) -> None:
    statements = ingest_and_list_statements(*entries)

    assert len(statements) == inserts
    assert all("INSERT INTO timesheets_timesheet" in statement for statement in statements)


@only_on("postgresql")
@pytest.mark.usefixtures("known_client")
def test_new_entries_after_the_first_hundred_are_copied() -> None:
    insert, ids, copy = ingest_and_list_statements(*HUNDREDS)

    assert "INSERT INTO timesheets_timesheet" in insert
    assert "nextval" in ids
    assert copy.startswith("COPY timesheets_timesheet ")


@only_on("postgresql")
@pytest.mark.parametrize(
    ("existing", "copies"),
    [
        pytest.param(HUNDREDS[0], 0, id="among-the-first"),
        pytest.param(HUNDREDS[100], 1, id="first-to-be-copied"),
        pytest.param(HUNDREDS[-1], 1, id="last"),
    ],
)
def test_only_new_entries_of_a_large_batch_are_inserted(existing: Entry, copies: int) -> None:
    [stored] = ingest(existing)

    with CaptureQueriesContext(connection) as queries:
        verdicts = ingest(*HUNDREDS)

    expected = [Outcome.EXISTING if entry == existing else Outcome.CREATED for entry in HUNDREDS]
    assert list_outcomes(verdicts) == expected
    assert verdicts[HUNDREDS.index(existing)].timesheet_id == stored.timesheet_id
    assert [read_entry(verdict.timesheet_id) for verdict in verdicts] == HUNDREDS
    assert sum(query["sql"].startswith("COPY") for query in queries.captured_queries) == copies


@only_on("sqlite")
@pytest.mark.usefixtures("known_client")
def test_new_entries_take_three_statements_on_sqlite() -> None:
    statements = ingest_and_list_statements(*KEYED, *KEYLESS)

    assert len(statements) == 3


def test_only_entries_that_were_not_inserted_are_looked_up() -> None:
    ingest(make_entry("stored"))

    *_, look_up = ingest_and_list_statements(make_entry("fresh"), make_entry("stored"))

    assert "stored" in look_up
    assert "fresh" not in look_up


def test_only_the_requested_ids_are_found() -> None:
    # Clients that were created before and after use ids that the client in the middle has not used.
    before, middle, after = (replace(PAYROLL, client_id=f"client-{number}") for number in range(3))
    for client in (before, middle, after):
        ingest(make_entry("shared", user_id=client.client_id), client=client)
    for client in (before, after):
        ingest(make_entry("a"), make_entry("z"), client=client)
    ingest(make_entry("bb"), make_entry("d"), client=middle)
    client_id = Client.objects.get(client_id="client-1").pk

    found = find_current(client_id, ["a", "b", "bb", "c", "shared", "sharee", "z"])

    assert {entry_id: row.entry for entry_id, row in found.items()} == {
        "bb": make_entry("bb", revision=1),
        "shared": make_entry("shared", user_id="client-1", revision=1),
    }
    assert find_current(client_id, []) == {}


def test_existing_rows_are_found_in_few_statements(database: Database) -> None:
    # On PostgreSQL a setting and the look-up.
    entries = [make_entry(f"{number}") for number in range(2500)]
    verdicts = ingest(*entries)
    client_id = Client.objects.get().pk

    with CaptureQueriesContext(connection) as queries:
        found = find_current(client_id, [f"{number}" for number in range(2500)])

    assert len(queries) == {"sqlite": 1, "postgresql": 2}[database.vendor]
    assert len(found) == 2500
    for entry, verdict in zip(entries, verdicts, strict=True):
        row = found[str(entry.entry_id)]
        assert (row.timesheet_id, row.entry) == (verdict.timesheet_id, replace(entry, revision=1))


def test_a_batch_is_retried_after_a_deadlock_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    attempts: list[Sequence[Verdict]] = []

    def deadlock_once(verdicts: Sequence[Verdict]) -> bool:
        attempts.append(verdicts)
        if len(attempts) == 1:
            raise OperationalError from DeadlockDetected()
        return False

    verdicts = ingest_entries(PAYROLL, [make_entry("a")], RECEIVED_AT, commit_if=deadlock_once)

    assert len(attempts) == 2
    assert attempts[1] == verdicts
    assert not Timesheet.objects.exists()
    expected = ("timesheets.storage.ingest", logging.WARNING, "Retrying a batch once after a deadlock")
    assert caplog.record_tuples == [expected]


def test_new_entries_may_follow_a_repeat() -> None:
    first, repeat, new = ingest(make_entry("a"), make_entry("a"), make_entry("b"))

    assert list_outcomes([first, repeat, new]) == [Outcome.CREATED, Outcome.EXISTING, Outcome.CREATED]
    assert first.timesheet_id == repeat.timesheet_id != new.timesheet_id


def test_existing_entries_may_follow_the_last_new_one() -> None:
    ingest(make_entry("stored"), make_entry("stored-too"))

    verdicts = ingest(make_entry("new"), make_entry("stored"), make_entry("stored-too"))

    assert list_outcomes(verdicts) == [Outcome.CREATED, Outcome.EXISTING, Outcome.EXISTING]


@pytest.mark.parametrize(
    "before", [pytest.param([], id="alone"), pytest.param(HUNDREDS, id="in-a-large-batch")]
)
@pytest.mark.parametrize("microsecond", [0, 1, 120000])
def test_a_row_is_the_same_as_one_that_django_writes(microsecond: int, before: list[Entry]) -> None:
    entry = make_entry("a", hours=Decimal("7.10"))
    date = entry.date.replace(microsecond=microsecond)
    *_, verdict = ingest_entries(PAYROLL, [*before, replace(entry, date=date)], date)
    stored = Timesheet.objects.get(pk=verdict.timesheet_id)

    copy = Timesheet.objects.create(
        client=stored.client,
        subject=PAYROLL.subject,
        received_at=date,
        **{**asdict(replace(entry, revision=1)), "date": date, "entry_id": "b"},
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
