"""The statements of an upload in SQLite."""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from timesheets.models import Timesheet
from timesheets.storage.entries import Entry
from timesheets.storage.rows import COLUMNS, CONTENT_COLUMNS, TABLE, Provenance, read_content

# SQLite limits the number of parameters in a statement.
_CHUNK_SIZE = 1000


def insert_rows(arrived: Sequence[tuple[Provenance, Entry]]) -> list[int | None]:
    """The id of each entry's new row, or None if its `entry_id` already exists.

    SQLite has one writer at a time, so rows above the highest id are ours, in the order of insertion.
    """
    rows = [_to_row(provenance, entry) for provenance, entry in arrived]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COALESCE(MAX(id), 0) FROM {TABLE}")  # noqa: S608
        [highest] = cursor.fetchone()
        cursor.executemany(
            f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))}) "  # noqa: S608
            "ON CONFLICT DO NOTHING",
            rows,
        )
        cursor.execute(f"SELECT id, client_id, entry_id FROM {TABLE} WHERE id > %s ORDER BY id", [highest])  # noqa: S608
        inserted = deque(cursor.fetchall())
    # An entry has the next row if client and `entry_id` are equal; otherwise the entry was left out.
    return [
        inserted.popleft()[0] if inserted and inserted[0][1:] == (row[0], row[-1]) else None for row in rows
    ]


def _to_row(provenance: Provenance, entry: Entry) -> tuple[Any, ...]:
    user_id, date, project, hours, entry_id = read_content(entry)
    received_at = _to_timestamp(provenance.received_at)
    origin = (provenance.client_id, received_at, provenance.subject)
    return (*origin, user_id, _to_timestamp(date), project, str(hours), entry_id)


def _to_timestamp(date: datetime) -> str:
    """The text that Django stores in SQLite: UTC, without a zone."""
    return str(date.astimezone(UTC).replace(tzinfo=None))


def select_existing(client_id: int, entry_ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The id and the content of each row."""
    for start in range(0, len(entry_ids), _CHUNK_SIZE):
        chunk = entry_ids[start : start + _CHUNK_SIZE]
        rows = Timesheet.objects.filter(client_id=client_id, entry_id__in=chunk)
        yield from rows.values_list("id", *CONTENT_COLUMNS)
