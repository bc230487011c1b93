"""Entries for the benchmarks, and each database's fastest way to insert ready rows."""

import datetime
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import psycopg

_COLUMNS = ("client_id", "received_at", "subject", "user_id", "date", "project", "hours", "entry_id")
_NAMES = ", ".join(_COLUMNS)
_BEGIN = datetime.datetime(2017, 5, 10, 8, tzinfo=datetime.UTC)

Row = tuple[Any, ...]


def make_entries(count: int) -> Iterator[dict[str, Any]]:
    """Entries as the client sends them: the `entry_id` is the date and 128 random bits."""
    for number in range(count):
        date = _BEGIN + datetime.timedelta(minutes=number)
        yield {
            "user_id": f"{number % 500:03}",
            "date": f"{date:%Y-%m-%dT%H:%M:%SZ}",
            "project": "StoreZero",
            "hours": 0.25 * (1 + number % 32),
            "entry_id": f"{date:%Y%m%d}-{uuid.uuid4().hex}",
        }


def make_rows(count: int, client_id: int) -> list[Row]:
    """The same entries, as rows of the API's table."""
    origin = (client_id, _BEGIN.isoformat(" "), "payroll@clients")
    return [(*origin, *entry.values()) for entry in make_entries(count)]


def insert(url: str, rows: Sequence[Row]) -> None:
    """The database's own way to take rows, in one transaction: a prepared statement, or COPY."""
    if url.startswith("sqlite:"):
        marks = ", ".join("?" * len(_COLUMNS))
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30)) as database, database:
            database.execute("PRAGMA synchronous = FULL")
            database.executemany(f"INSERT INTO timesheets_timesheet ({_NAMES}) VALUES ({marks})", rows)  # noqa: S608
        return
    statement = f"COPY timesheets_timesheet ({_NAMES}) FROM STDIN"
    with psycopg.connect(url) as connection, connection.cursor().copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
