"""The statements of a run: who may work, what is to be paid, and where it goes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from django.db import connection, transaction
from filelock import FileLock

from timesheets.models import Run, RunLine
from timesheets.storage.rows import CLIENT_TABLE, TABLE
from timesheets.storage.run_lines import CHUNK_ROWS, COLUMNS
from timesheets.storage.totals import IS_LAST, define_periods
from timesheets.storage.writer import begin_upload

_LINE_TABLE = RunLine._meta.db_table  # noqa: SLF001  Django documents _meta as its public interface.
_COLUMNS = ("run_id", "position", "client_id", *COLUMNS)
# The first key of an advisory lock.
_LOCK_CLASS = int.from_bytes(b"runs")

# Hours are hundredths, because SQLite would add up fractions. A number for the names of each client makes the
# rows that are sorted shorter.
_SELECT = f"""
SELECT owner_id, user_id, day, project, CAST(SUM(hours) AS bigint), CAST(SUM(paid) AS bigint), MAX(is_paid)
FROM (
    SELECT client_id AS owner_id, user_id {{collate}} AS user_id, {{day}} AS day,
        project {{collate}} AS project, ROUND(hours * 100) AS hours, 0 AS paid, 0 AS is_paid
    FROM {TABLE} AS scanned WHERE id <= %(as_of)s AND {IS_LAST.format(as_of="%(as_of)s")}
    UNION ALL
    SELECT client_id, user_id {{collate}}, day, project {{collate}}, 0, ROUND(pays * 100), 1
    FROM {_LINE_TABLE} WHERE run_id < %(run_id)s AND held IS NULL
) AS summed JOIN (
    SELECT id, ROW_NUMBER() OVER (ORDER BY client_id {{collate}}, organization {{collate}}, id) AS place
    FROM {CLIENT_TABLE}
) AS owner ON owner.id = owner_id
WHERE day <= %(through)s
GROUP BY place, owner_id, user_id, day, project HAVING SUM(hours) <> SUM(paid)
ORDER BY place, owner_id, user_id, day, project
"""  # noqa: S608
_SELECT_IN_POSTGRESQL = _SELECT.format(collate='COLLATE "C"', day="(date AT TIME ZONE %(zone)s)::date")
_SELECT_IN_SQLITE = _SELECT.format(collate="COLLATE BINARY", day="name_period(date, %(zone)s, 'day')")


@contextmanager
def one_run_at_a_time() -> Iterator[None]:
    """Wait for the runs of all processes. In PostgreSQL, the block is a transaction without time limits."""
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL lock_timeout = 0")
            cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [_LOCK_CLASS])
            yield
        return
    database: Any = connection
    # Nobody else has a database in memory. The next run may be another user's.
    lock = FileLock(f"{database.settings_dict['NAME']}.runs.lock", mode=0o666)
    with nullcontext() if database.is_in_memory_db() else lock:
        yield


def work_out_lines(run: Run) -> Iterator[Sequence[tuple[Any, ...]]]:
    """The rows that the run pays, in the order of its lines, in pieces.

    A row has the client's key, the employee, day and project, the hours and those that were paid, both in
    hundredths, and whether anything was.
    """
    parameters: Any = {
        "run_id": run.pk,
        "as_of": run.as_of,
        "through": str(run.through),
        "zone": run.time_zone,
    }
    with connection.chunked_cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_SELECT_IN_POSTGRESQL, parameters)
        else:
            define_periods()
            # A copy, because SQLite cannot empty its log while a reader needs what was stored before.
            cursor.execute("DROP TABLE IF EXISTS temp.worked_out")
            cursor.execute(f"CREATE TEMP TABLE worked_out AS {_SELECT_IN_SQLITE}", parameters)
            cursor.execute("SELECT * FROM temp.worked_out ORDER BY rowid")
        while rows := cursor.fetchmany(CHUNK_ROWS):
            yield rows


def insert_lines(rows: Sequence[tuple[Any, ...]]) -> None:
    """Add lines, each with its run, position and client before its own columns."""
    columns = ", ".join(_COLUMNS)
    with begin_upload(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with (
                connection.wrap_database_errors,
                cursor.copy(f"COPY {_LINE_TABLE} ({columns}) FROM STDIN") as copy,
            ):
                for row in rows:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(_COLUMNS))
            cursor.executemany(f"INSERT INTO {_LINE_TABLE} ({columns}) VALUES ({places})", rows)  # noqa: S608
