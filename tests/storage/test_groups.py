"""Single entries that share a transaction: each gets its own verdict, as if it were alone."""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connections

from tests.kit.default_database import Database, only_on
from tests.kit.postgresql import PostgreSQLServer
from tests.kit.waiting import wait_until
from tests.storage.entries import PAYROLL, ingest, list_outcomes, make_entry, read_entry
from tests.storage.uploads import insert_row
from timesheets.apps import close_connections
from timesheets.models import Client, Timesheet
from timesheets.storage.entries import Entry, Outcome, Verdict
from timesheets.storage.ingest import groups
from timesheets.storage.writer import take_turn
from timesheets.trust.principals import MachineClient

pytestmark = pytest.mark.usefixtures("database")

CREATED, EXISTING, CONFLICT = Outcome.CREATED, Outcome.EXISTING, Outcome.CONFLICT
OTHER = replace(PAYROLL, client_id="other")


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as executor:
        yield executor


def upload_one(entry: Entry, client: MachineClient = PAYROLL) -> Verdict:
    try:
        [verdict] = ingest(entry, client=client)
    finally:
        connections.close_all()
    return verdict


def upload_as_a_group(
    executor: ThreadPoolExecutor, *uploads: Entry | tuple[Entry, MachineClient]
) -> list[Future[Verdict]]:
    """Upload each entry by its own thread, in this order, while another upload has its turn."""
    futures = []
    with take_turn():
        for upload in uploads:
            entry, client = (upload, PAYROLL) if isinstance(upload, Entry) else upload
            futures.append(executor.submit(upload_one, entry, client))
            wait_until(lambda: groups.count_waiting() == len(futures))
    return futures


def list_verdicts(futures: list[Future[Verdict]]) -> list[Verdict]:
    return [future.result(30) for future in futures]


def test_each_entry_gets_its_own_verdict(executor: ThreadPoolExecutor) -> None:
    ingest(make_entry("stored"), make_entry("stored-otherwise"))
    upload_one(make_entry("first"), OTHER)

    verdicts = list_verdicts(
        upload_as_a_group(
            executor,
            make_entry("new"),
            make_entry("stored"),
            make_entry(),
            make_entry("stored-otherwise", hours=Decimal(6)),
            make_entry("new"),
            make_entry("new", hours=Decimal(6)),
            make_entry(),
            (make_entry("new", project="Other"), OTHER),
            (make_entry("stored", project="Other"), OTHER),
        )
    )

    judged = [CREATED, EXISTING, CREATED, CONFLICT, EXISTING, CONFLICT, CREATED, CREATED, CREATED]
    assert list_outcomes(verdicts) == judged
    new, stored, _, otherwise, repeat, conflict = verdicts[:6]
    assert new.timesheet_id == repeat.timesheet_id == conflict.timesheet_id
    assert read_entry(new.timesheet_id) == make_entry("new")
    assert read_entry(stored.timesheet_id) == make_entry("stored")
    assert read_entry(otherwise.timesheet_id) == make_entry("stored-otherwise")
    assert len({verdict.timesheet_id for verdict in verdicts}) == 7
    assert Timesheet.objects.count() == 8
    assert Timesheet.objects.filter(client__client_id="other").count() == 3


def test_a_group_is_one_transaction(executor: ThreadPoolExecutor, database: Database) -> None:
    upload_one(make_entry("first"))

    verdicts = list_verdicts(upload_as_a_group(executor, *(make_entry(f"{number}") for number in range(9))))

    assert list_outcomes(verdicts) == [CREATED] * 9
    if database.vendor == "postgresql":
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT count(DISTINCT xmin::text) FROM timesheets_timesheet")
            assert cursor.fetchone() == (2,)


def test_the_rows_of_a_group_have_their_own_provenance(executor: ThreadPoolExecutor) -> None:
    user = replace(PAYROLL, subject="auth0|7")
    other = replace(OTHER, issuer="https://other.example/", subject=None)
    for client in (user, other):
        upload_one(make_entry(), client)

    verdicts = list_verdicts(
        upload_as_a_group(executor, make_entry("a"), (make_entry("a"), other), (make_entry("b"), user))
    )

    rows = Timesheet.objects.select_related("client").in_bulk([v.timesheet_id for v in verdicts])
    assert [
        (row.client.issuer, row.client.client_id, row.subject, row.entry_id)
        for row in (rows[verdict.timesheet_id] for verdict in verdicts)
    ] == [
        (PAYROLL.issuer, "payroll", "payroll@clients", "a"),
        ("https://other.example/", "other", None, "a"),
        (PAYROLL.issuer, "payroll", "auth0|7", "b"),
    ]


def test_an_entry_that_fails_does_not_affect_its_neighbors(executor: ThreadPoolExecutor) -> None:
    # The serializer accepts no such entry, but the database is the last to decide.
    impossible = make_entry("b", user_id=None)

    first, failing, last = upload_as_a_group(executor, make_entry("a"), impossible, make_entry("c"))

    assert isinstance(failing.exception(30), IntegrityError)
    assert list_outcomes(list_verdicts([first, last])) == [CREATED, CREATED]
    assert set(Timesheet.objects.values_list("entry_id", flat=True)) == {"a", "c"}


def test_all_first_entries_of_clients_are_stored_however_many_arrive(executor: ThreadPoolExecutor) -> None:
    uploads = [(make_entry(f"{number}"), client) for number in range(8) for client in (PAYROLL, OTHER)]

    verdicts = list_verdicts(upload_as_a_group(executor, *uploads))

    assert list_outcomes(verdicts) == [CREATED] * 16
    assert Client.objects.count() == 2


def test_a_client_whose_row_is_gone_is_created_again() -> None:
    # As after a restore of an older backup.
    upload_one(make_entry("a"))
    Timesheet.objects.all().delete()
    Client.objects.all().delete()
    Client.objects.create(issuer=OTHER.issuer, client_id=OTHER.client_id)

    verdict = upload_one(make_entry("a"))

    assert verdict.outcome is CREATED
    assert Timesheet.objects.get().client.client_id == PAYROLL.client_id


@only_on("postgresql")
def test_the_statement_of_a_group_is_prepared() -> None:
    for _ in range(7):
        upload_one(make_entry())

    with take_turn(), connections["default"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        assert cursor.fetchone() == (1,)


@only_on("postgresql")
def test_an_entry_that_another_upload_is_storing_does_not_delay_its_neighbors(
    executor: ThreadPoolExecutor, database: Database
) -> None:
    upload_one(make_entry("first"))
    with psycopg.connect(database.url) as competitor:
        insert_row(competitor, "b")

        first, waiting, last = upload_as_a_group(executor, make_entry("a"), make_entry("b"), make_entry("c"))

        assert list_outcomes(list_verdicts([first, last])) == [CREATED, CREATED]
        assert not waiting.done()
        competitor.rollback()
    assert waiting.result(30).outcome is CREATED


@only_on("postgresql")
def test_a_stricter_default_isolation_refuses_nobody(
    executor: ThreadPoolExecutor, database: Database, postgresql: PostgreSQLServer
) -> None:
    upload_one(make_entry("first"))
    postgresql.execute("ALTER DATABASE timesheets SET default_transaction_isolation = 'serializable'")
    close_connections()
    with psycopg.connect(database.url) as competitor:
        insert_row(competitor, "b")
        first, waiting = upload_as_a_group(executor, make_entry("a"), make_entry("b"))
        competitor.commit()

    assert first.result(30).outcome is CREATED
    assert waiting.result(30).outcome is CONFLICT
    postgresql.execute("ALTER DATABASE timesheets RESET default_transaction_isolation")
    close_connections()


@only_on("postgresql")
def test_a_lost_connection_fails_every_caller_and_nothing_is_sent_again(
    executor: ThreadPoolExecutor, database: Database, postgresql: PostgreSQLServer
) -> None:
    upload_one(make_entry("first"))
    with psycopg.connect(database.url) as competitor:
        # The insert waits for this lock.
        competitor.execute("LOCK TABLE timesheets_timesheet IN SHARE MODE")
        futures = upload_as_a_group(executor, make_entry(), make_entry(), make_entry())
        kill_waiting_backend(postgresql)
        errors = [future.exception(30) for future in futures]

    assert [type(error) for error in errors] == [OperationalError] * 3
    assert Timesheet.objects.count() == 1
    assert upload_one(make_entry()).outcome is CREATED


def kill_waiting_backend(postgresql: PostgreSQLServer) -> None:
    statement = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND query LIKE '%json_to_recordset%'"
    )
    wait_until(lambda: postgresql.execute(statement))


@only_on("postgresql")
def test_a_connection_that_broke_while_it_was_idle_is_replaced(
    postgresql: PostgreSQLServer,
) -> None:
    upload_one(make_entry())
    postgresql.terminate_backends("timesheets")
    time.sleep(1.1)

    assert upload_one(make_entry()).outcome is CREATED


@only_on("sqlite")
def test_uploads_fail_in_time_while_another_program_holds_the_lock(
    executor: ThreadPoolExecutor, database: Database
) -> None:
    connections.settings["default"]["OPTIONS"]["timeout"] = 0.3
    close_connections()
    upload_one(make_entry())
    path = database.url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        begin = time.monotonic()

        errors = [executor.submit(upload_one, make_entry()).exception(30) for _ in range(5)]

        assert [type(error) for error in errors] == [OperationalError] * 5
        assert time.monotonic() - begin < 10
    assert upload_one(make_entry()).outcome is CREATED


@only_on("sqlite")
def test_a_restored_file_is_used_at_once(database: Database, tmp_path: Path) -> None:
    path = Path(database.url.removeprefix("sqlite:///"))
    upload_one(make_entry("a"))
    with closing(sqlite3.connect(path)) as live, closing(sqlite3.connect(tmp_path / "backup")) as backup:
        live.backup(backup)
    upload_one(make_entry("b"))

    for suffix in ("-wal", "-shm"):
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
    shutil.move(tmp_path / "backup", path)

    assert upload_one(make_entry("c")).outcome is CREATED
    assert set(Timesheet.objects.values_list("entry_id", flat=True)) == {"a", "c"}
