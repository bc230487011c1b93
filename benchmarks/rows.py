"""Entries for a benchmark, and the database's own way to take ready rows of them."""

import datetime
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

COLUMNS = ("client_id", "entry_id", "user_id", "date", "project", "hours", "received_at", "subject")
_NAMES = ", ".join(COLUMNS)
_BEGIN = datetime.datetime(2017, 5, 10, 8, tzinfo=datetime.UTC)

Row = tuple[Any, ...]


def make_entries(count: int) -> Iterator[dict[str, Any]]:
    """Entries as the uploader sends them: an `entry_id` of the date and 128 random bits."""
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
    """The same, as rows of the API's table."""
    received_at = _BEGIN.isoformat(" ")
    return [
        (
            client_id,
            entry["entry_id"],
            entry["user_id"],
            entry["date"],
            entry["project"],
            entry["hours"],
            received_at,
            "payroll@clients",
        )
        for entry in make_entries(count)
    ]


def execute_many(database: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """SQLite's limit: one prepared statement, ready rows, one transaction."""
    marks = ", ".join("?" * len(COLUMNS))
    database.execute("BEGIN IMMEDIATE")
    database.executemany(f"INSERT INTO timesheets_timesheet ({_NAMES}) VALUES ({marks})", rows)  # noqa: S608
    database.execute("COMMIT")


def copy_rows(database: psycopg.Connection[Any], rows: Sequence[Row]) -> None:
    """PostgreSQL's limit: COPY, in one transaction."""
    statement = f"COPY timesheets_timesheet ({_NAMES}) FROM STDIN"
    with database.transaction(), database.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
