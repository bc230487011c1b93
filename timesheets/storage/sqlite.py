"""The statements of an upload in SQLite."""

import json
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models.expressions import RawSQL

from timesheets.models import Timesheet
from timesheets.storage.entries import Arrival, Entry
from timesheets.storage.rows import (
    CLIENT_TABLE,
    COLUMNS,
    CONTENT_COLUMNS,
    REVISION_COLUMNS,
    TABLE,
    Provenance,
)
from timesheets.storage.writer import wait_for_lock
from timesheets.trust.principals import ClientKey

_ARRIVAL_COLUMNS = ("received_at", "subject", *CONTENT_COLUMNS)
_ARRIVAL_VALUES = [f"json_extract(sent.value, '$[{place}]')" for place, _ in enumerate(_ARRIVAL_COLUMNS, 3)]
_SELECT_OF_OWNER = f"(SELECT owner.{{}} FROM {CLIENT_TABLE} AS owner WHERE owner.id = {TABLE}.client_id)"  # noqa: S608

# One statement is one transaction. The client's key is NULL if the client has no row yet, which the table
# refuses.
_INSERT_ARRIVALS = f"""
INSERT INTO {TABLE} (client_id, {", ".join(_ARRIVAL_COLUMNS)})
SELECT owner.id, {", ".join(_ARRIVAL_VALUES)}
FROM json_each(?) AS sent LEFT JOIN {CLIENT_TABLE} AS owner
ON owner.issuer = json_extract(sent.value, '$[0]') AND owner.client_id = json_extract(sent.value, '$[1]')
AND owner.organization = json_extract(sent.value, '$[2]')
WHERE true ORDER BY sent.key ON CONFLICT DO NOTHING
RETURNING id, {", ".join(map(_SELECT_OF_OWNER.format, ClientKey._fields))}, entry_id
"""  # noqa: S608


def insert_batch(provenance: Provenance, entries: Sequence[Entry]) -> list[int | None]:
    """The id of each entry's new row, or None if its `entry_id` exists."""
    origin = _read_origin(provenance)
    inserted = _insert(COLUMNS, [(*origin, *_to_cells(entry)) for entry in entries])
    return _assign(inserted, [(provenance.client_id, entry.entry_id) for entry in entries])


def insert_arrivals(arrivals: Sequence[Arrival]) -> list[int | None]:
    """Insert entries of several clients, in one statement and therefore in one transaction."""
    sent = json.dumps(
        [
            (*each.client.key, _to_timestamp(each.received_at), each.client.subject, *_to_cells(each.entry))
            for each in arrivals
        ]
    )
    rows = wait_for_lock(partial(_execute, _INSERT_ARRIVALS, sent))
    # SQLite assigns ids in the order of insertion, but may return the rows in another.
    return _assign(sorted(rows), [(*each.client.key, each.entry.entry_id) for each in arrivals])


def _execute(statement: str, *values: str) -> list[tuple[Any, ...]]:
    """Without Django's cursor, which rewrites each statement."""
    # Each look at `connection` finds the thread's connection again.
    database: Any = connections[DEFAULT_DB_ALIAS]
    database.ensure_connection()
    with database.wrap_database_errors:
        rows: list[tuple[Any, ...]] = database.connection.execute(statement, values).fetchall()
    return rows


def _assign(inserted: Sequence[tuple[Any, ...]], keys: Sequence[tuple[Any, ...]]) -> list[int | None]:
    """An entry has the next row if the row has its key; otherwise the entry was left out."""
    rows = deque(inserted)
    return [rows.popleft()[0] if rows and rows[0][1:] == key else None for key in keys]


def lock_corrections(client_id: int) -> None:
    """SQLite has one writer at a time."""


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


def select_revisions(client_id: int, entry_ids: list[str]) -> Iterator[tuple[Any, ...]]:
    """The id, the content and the revision of each revision of the ids, for each id in order."""
    sent = RawSQL("SELECT value FROM json_each(%s)", [json.dumps(entry_ids)])
    rows = Timesheet.objects.filter(client_id=client_id, entry_id__in=sent).order_by("entry_id", "revision")
    yield from rows.values_list("id", *CONTENT_COLUMNS, *REVISION_COLUMNS).iterator()
