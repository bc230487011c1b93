"""The statements of an upload in SQLite."""

import json
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models.expressions import RawSQL

from timesheets.models import Timesheet
from timesheets.storage.entries import Entry
from timesheets.storage.rows import (
    COLUMNS,
    CONTENT_COLUMNS,
    REVISION_COLUMNS,
    TABLE,
    Provenance,
)

# The id of the current row of each `entry_id` in a JSON array.
_SELECT_CURRENT_IDS = (
    f"SELECT (SELECT id FROM {TABLE} WHERE client_id = %s AND entry_id = sent.value "  # noqa: S608
    "ORDER BY revision DESC LIMIT 1) FROM json_each(%s) AS sent"
)


def insert_batch(provenance: Provenance, entries: Sequence[Entry]) -> list[int | None]:
    """The id of each entry's new row, or None if its `entry_id` already exists."""
    origin = _read_origin(provenance)
    return _insert_rows([(*origin, *_to_cells(entry)) for entry in entries])


def insert_arrivals(arrived: Sequence[tuple[Provenance, Entry]]) -> list[int | None]:
    """Like `insert_batch`, for entries that arrived one by one."""
    return _insert_rows([(*_read_origin(provenance), *_to_cells(entry)) for provenance, entry in arrived])


def _insert_rows(rows: Sequence[tuple[Any, ...]]) -> list[int | None]:
    inserted = deque(_insert(COLUMNS, rows))
    # An entry has the next row if client and `entry_id` are equal; otherwise the entry was left out.
    return [
        inserted.popleft()[0] if inserted and inserted[0][1:] == (row[0], row[-1]) else None for row in rows
    ]


def insert_corrections(provenance: Provenance, entries: Sequence[Entry]) -> list[int]:
    """The ids of the new rows. No revision may exist."""
    origin = _read_origin(provenance)
    rows = [(*origin, *_to_cells(entry), entry.revision, entry.reason) for entry in entries]
    return [row_id for row_id, *_ in _insert((*COLUMNS, *REVISION_COLUMNS), rows)]


def _insert(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The id, the client and the `entry_id` of each row that did not exist.

    SQLite has one writer at a time, so rows above the highest id are ours, in the order of insertion.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COALESCE(MAX(id), 0) FROM {TABLE}")  # noqa: S608
        [highest] = cursor.fetchone()
        cursor.executemany(
            f"INSERT INTO {TABLE} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))}) "  # noqa: S608
            "ON CONFLICT DO NOTHING",
            rows,
        )
        cursor.execute(f"SELECT id, client_id, entry_id FROM {TABLE} WHERE id > %s ORDER BY id", [highest])  # noqa: S608
        inserted: list[tuple[Any, ...]] = cursor.fetchall()
    return inserted


def _read_origin(provenance: Provenance) -> tuple[Any, ...]:
    received_at = _to_timestamp(provenance.received_at)
    return (provenance.client_id, received_at, provenance.subject, provenance.upload_id)


def _to_cells(entry: Entry) -> tuple[Any, ...]:
    return (entry.user_id, _to_timestamp(entry.date), entry.project, str(entry.hours), entry.entry_id)


def _to_timestamp(date: datetime) -> str:
    """The text that Django stores in SQLite: UTC, without a zone."""
    return str(date.astimezone(UTC).replace(tzinfo=None))


def select_current(client_id: int, entry_ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The id, the content and the revision of the current row of each `entry_id`."""
    current = RawSQL(_SELECT_CURRENT_IDS, [client_id, json.dumps(entry_ids)])  # noqa: S611  No value is part of it.
    rows = Timesheet.objects.filter(id__in=current)
    yield from rows.values_list("id", *CONTENT_COLUMNS, *REVISION_COLUMNS)


def select_revisions(client_id: int, entry_ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The id, the content and the revision of each revision of the ids, the newest one of each id first."""
    sent = RawSQL("SELECT value FROM json_each(%s)", [json.dumps(entry_ids)])
    rows = Timesheet.objects.filter(client_id=client_id, entry_id__in=sent).order_by("-entry_id", "-revision")
    yield from rows.values_list("id", *CONTENT_COLUMNS, *REVISION_COLUMNS).iterator()
