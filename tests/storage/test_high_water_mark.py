"""The high-water mark: the last id up to which no upload can still add a row."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any, TypeVar

import psycopg
import pytest
from django.db import connection, connections, transaction

from tests.kit.default_database import Database, only_on
from tests.kit.postgresql import PostgreSQLServer
from tests.kit.waiting import wait_until
from tests.storage.entries import PAYROLL, RECEIVED_AT, ingest, make_entry
from tests.storage.uploads import REPORTING, uncommitted_upload
from timesheets.models import Timesheet
from timesheets.storage.high_water_mark import ADVISORY_LOCK_CLASS, find_high_water_mark
from timesheets.storage.ingest import ingest_upload

Result = TypeVar("Result")


@contextmanager
def ids_continue_after(last_id: int | None) -> Iterator[None]:
    """Make PostgreSQL assign the ids after `last_id` during the block; None: as if it had assigned none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM timesheets_timesheet_id_seq")
        before = cursor.fetchone()
        first, is_assigned = (1, False) if last_id is None else (last_id, True)
        cursor.execute("SELECT setval('timesheets_timesheet_id_seq', %s, %s)", [first, is_assigned])
        try:
            yield
        finally:
            Timesheet.objects.all().delete()
            cursor.execute("SELECT setval('timesheets_timesheet_id_seq', %s)", before)


def store_one() -> int:
    [verdict] = ingest(make_entry())
    return verdict.timesheet_id


@pytest.mark.usefixtures("database")
def test_the_high_water_mark_is_the_last_id_without_uncommitted_uploads() -> None:
    assert find_high_water_mark() == 0

    last_id = store_one()

    assert find_high_water_mark() == last_id


@only_on("postgresql")
@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize("last_id", [1000, 2**31 - 2, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1, 2**32, 2**33])
def test_the_high_water_mark_is_the_id_that_an_upload_announced(last_id: int) -> None:
    with ids_continue_after(last_id - 1):
        before = store_one()
        with uncommitted_upload("slow"):
            ingest(make_entry("fast"), client=REPORTING)

            assert before == last_id
            assert find_high_water_mark() == last_id


@only_on("postgresql")
@pytest.mark.usefixtures("clients")
def test_the_high_water_mark_is_zero_during_the_first_upload_ever() -> None:
    with ids_continue_after(None), uncommitted_upload("slow"):
        ingest(make_entry("fast"), client=REPORTING)

        assert find_high_water_mark() == 0


@only_on("postgresql")
@pytest.mark.usefixtures("clients")
def test_the_lowest_of_several_announced_ids_counts() -> None:
    last_id = store_one()

    with uncommitted_upload("slow"), uncommitted_upload("slower", client=REPORTING):
        ingest(make_entry("fast"))

        assert find_high_water_mark() == last_id


@only_on("postgresql")
@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize("distance", [2**30, 2**30 + 1, 2**31 - 1])
def test_an_announced_id_counts_after_two_billion_later_ids(distance: int) -> None:
    with ids_continue_after(999):
        last_id = store_one()
        with uncommitted_upload("slow"), ids_continue_after(last_id + distance - 1):
            highest_id = store_one()

            assert highest_id == last_id + distance
            assert find_high_water_mark() == last_id


@only_on("postgresql")
@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize("unused_ids", [1, 2])
def test_the_high_water_mark_is_never_above_the_last_id(unused_ids: int) -> None:
    last_id = store_one()
    ingest_upload(PAYROLL, [make_entry()] * unused_ids, RECEIVED_AT, commit_if=lambda _: False)

    with uncommitted_upload("slow"):
        assert find_high_water_mark() == last_id


@only_on("postgresql")
@pytest.mark.usefixtures("clients")
def test_uploads_between_the_two_statements_of_a_reader_are_above_the_high_water_mark() -> None:
    last_id = store_one()

    with ExitStack() as uploads:
        statements = count(1)

        def upload_before_the_second(execute: Any, sql: str, *arguments: Any) -> Any:
            if next(statements) == 2:
                uploads.enter_context(uncommitted_upload("slow"))
                with ExitStack() as fast:
                    fast.enter_context(uncommitted_upload("fast", client=REPORTING))
            return execute(sql, *arguments)

        with connection.execute_wrapper(upload_before_the_second):
            high_water_mark = find_high_water_mark()

        assert high_water_mark == last_id
        assert next(statements) == 3


# It reads the sequence, and goes on once the test has released its lock.
LATE_UPLOAD = """
CREATE SCHEMA late;
CREATE FUNCTION late.pg_sequence_last_value(regclass) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE last_value bigint := pg_catalog.pg_sequence_last_value($1);
BEGIN
    PERFORM pg_advisory_xact_lock(1, 1);
    RETURN last_value;
END $$;
SELECT pg_advisory_lock(1, 1);
"""
IS_LATE = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = 1 AND NOT granted"


@only_on("postgresql")
@pytest.mark.usefixtures("clients")
def test_what_is_settled_stays_settled_although_an_upload_announces_itself_late(
    postgresql: PostgreSQLServer,
) -> None:
    store_one()
    with connection.cursor() as cursor, ThreadPoolExecutor() as executor:
        cursor.execute(LATE_UPLOAD)
        may_end = threading.Event()
        late = executor.submit(in_own_connection, lambda: upload_late(may_end))
        wait_until(lambda: postgresql.execute(IS_LATE))
        last_id = store_one()

        first = executor.submit(in_own_connection, lambda: find_high_water_mark() >= last_id)
        wait([first], 0.3)
        cursor.execute("SELECT pg_advisory_unlock(1, 1)")
        is_settled = first.result(10)
        stays_settled = find_high_water_mark() >= last_id
        may_end.set()
        late.result(10)
        cursor.execute("DROP SCHEMA late CASCADE")

    assert (is_settled, stays_settled) == (False, False)
    assert find_high_water_mark() > last_id


def upload_late(may_end: threading.Event) -> None:
    with transaction.atomic():
        connection.cursor().execute("SET LOCAL search_path = late, public, pg_catalog")
        ingest_upload(PAYROLL, [make_entry("late")], RECEIVED_AT, commit_if=lambda _: may_end.wait(10))


def in_own_connection(function: Callable[[], Result]) -> Result:
    try:
        return function()
    finally:
        connections.close_all()


def test_the_lock_class_is_the_same_in_every_version() -> None:
    # Another class would hide the uploads of servers that still run the previous version.
    assert ADVISORY_LOCK_CLASS == 1953066341


@only_on("postgresql")
@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    "keys",
    [
        *("0", "1", f"{2**63 - 1}", "0, 0", f"{ADVISORY_LOCK_CLASS - 1}, 0"),
        *(f"{ADVISORY_LOCK_CLASS + 1}, 0", f"{ADVISORY_LOCK_CLASS << 32}"),
    ],
)
@pytest.mark.parametrize("lock", ["pg_advisory_lock", "pg_advisory_lock_shared"])
def test_advisory_locks_of_other_programs_have_no_effect(lock: str, keys: str) -> None:
    last_id = store_one()

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {lock}({keys})")
        try:
            assert find_high_water_mark() == last_id
        finally:
            cursor.execute("SELECT pg_advisory_unlock_all()")


@only_on("postgresql")
def test_an_upload_does_not_wait_for_another_that_announced_the_same_id(database: Database) -> None:
    last_id = store_one()

    with psycopg.connect(database.url) as other:
        other.execute("SELECT pg_advisory_lock_shared(%s, %s)", [ADVISORY_LOCK_CLASS, last_id])

        assert store_one() > last_id


@only_on("postgresql")
@pytest.mark.usefixtures("database")
def test_an_uncommitted_upload_in_another_database_has_no_effect(postgresql: PostgreSQLServer) -> None:
    last_id = store_one()

    with psycopg.connect(postgresql.url()) as other:
        other.execute("SELECT pg_advisory_lock_shared(%s, 0)", [ADVISORY_LOCK_CLASS])

        assert find_high_water_mark() == last_id
