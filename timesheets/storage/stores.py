"""Insert a client's rows, each `entry_id` once, and find existing ones, in SQLite and in PostgreSQL."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from django.db import connection

from timesheets.models import Timesheet
from timesheets.storage.entries import Entry
from timesheets.storage.high_water_mark import ANNOUNCE_UPLOAD

TABLE = Timesheet._meta.db_table  # noqa: SLF001  Django documents _meta as its public interface.
CONTENT_COLUMNS = ("user_id", "date", "project", "hours", "entry_id")
_COLUMNS = ("client_id", "received_at", "subject", *CONTENT_COLUMNS)
_read_content = attrgetter(*CONTENT_COLUMNS)
# SQLite limits the number of parameters in a statement.
_CHUNK_SIZE = 1000
# For a statement whose only allowed index has the rows in order. If its statistics are old or missing,
# PostgreSQL's planner would read a client's rows from another index and sort them. The settings last until
# the transaction ends.
DISABLE_SORTING = (
    "SELECT set_config('enable_sort', 'off', true), set_config('enable_incremental_sort', 'off', true)"
)


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """The client that entries come from, the user it acts for, and when they arrived."""

    client_id: int
    subject: str | None
    received_at: datetime


def insert_new(provenance: Provenance, entries: Sequence[Entry]) -> list[int | None]:
    """Insert the entries whose `entry_id` the client has not used, in the current transaction.

    Returns for each entry the id of its new row, or None if its `entry_id` already exists. No `entry_id` may
    occur twice in `entries`.
    """
    insert = _insert_in_postgresql if connection.vendor == "postgresql" else _insert_in_sqlite
    return insert(provenance, entries)


def _insert_in_sqlite(provenance: Provenance, entries: Sequence[Entry]) -> list[int | None]:
    """SQLite has one writer at a time, so rows above the highest id are ours, in the order of insertion."""
    origin = (provenance.client_id, _to_sqlite_timestamp(provenance.received_at), provenance.subject)
    rows = [
        (*origin, user_id, _to_sqlite_timestamp(date), project, str(hours), entry_id)
        for user_id, date, project, hours, entry_id in map(_read_content, entries)
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COALESCE(MAX(id), 0) FROM {TABLE}")  # noqa: S608
        [highest] = cursor.fetchone()
        cursor.executemany(
            f"INSERT INTO {TABLE} ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))}) "  # noqa: S608
            "ON CONFLICT (client_id, entry_id) DO NOTHING",
            rows,
        )
        cursor.execute(f"SELECT id, entry_id FROM {TABLE} WHERE id > %s ORDER BY id", [highest])  # noqa: S608
        inserted = deque(cursor.fetchall())
    # An entry has the next row if the `entry_id`s are equal; otherwise the entry was left out.
    return [
        inserted.popleft()[0] if inserted and inserted[0][1] == entry.entry_id else None for entry in entries
    ]


def _to_sqlite_timestamp(date: datetime) -> str:
    """The text that Django stores in SQLite: UTC, without a zone."""
    return str(date.astimezone(UTC).replace(tzinfo=None))


def _insert_in_postgresql(provenance: Provenance, entries: Sequence[Entry]) -> list[int | None]:
    """Insert entries with an `entry_id`, which identifies their rows, and those without in two statements.

    The keys are inserted in sorted order. Otherwise two batches with the same keys could deadlock.
    """
    keyed = [entry for entry in entries if entry.entry_id is not None]
    keyless = [entry for entry in entries if entry.entry_id is None]
    inserted = dict(_insert_from_arrays(provenance, keyed, order="entry_id", returning="entry_id, id"))
    # Rows are inserted and returned in the order of the SELECT.
    keyless_ids = (row_id for (row_id,) in _insert_from_arrays(provenance, keyless, "position", "id"))
    return [
        next(keyless_ids) if entry.entry_id is None else inserted.get(entry.entry_id) for entry in entries
    ]


def _insert_from_arrays(
    provenance: Provenance, entries: Sequence[Entry], order: str, returning: str
) -> list[Any]:
    if not entries:
        return []
    content = ", ".join(CONTENT_COLUMNS)
    arrays = [list(column) for column in zip(*map(_read_content, entries), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH announced AS MATERIALIZED ({ANNOUNCE_UPLOAD}) INSERT INTO {TABLE} ({', '.join(_COLUMNS)}) "  # noqa: S608
            f"SELECT %s, %s, %s, {content} FROM announced, unnest("
            "%s::varchar[], %s::timestamptz[], %s::varchar[], %s::numeric[], %s::varchar[]"
            f") WITH ORDINALITY AS sent ({content}, position) "
            f"ORDER BY {order} ON CONFLICT (client_id, entry_id) DO NOTHING RETURNING {returning}",
            [provenance.client_id, provenance.received_at, provenance.subject, *arrays],
        )
        return list(cursor.fetchall())


def find_existing(client_id: int, entry_ids: Sequence[str]) -> Mapping[str, tuple[int, Entry]]:
    """For each `entry_id` that the client has used: the row's id and its entry."""
    select = _select_in_postgresql if connection.vendor == "postgresql" else _select_in_sqlite
    existing = {}
    for row_id, *content in select(client_id, entry_ids):
        entry = Entry(**dict(zip(CONTENT_COLUMNS, content, strict=True)))
        existing[str(entry.entry_id)] = (row_id, entry)
    return existing


def _select_in_sqlite(client_id: int, entry_ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    for start in range(0, len(entry_ids), _CHUNK_SIZE):
        chunk = entry_ids[start : start + _CHUNK_SIZE]
        rows = Timesheet.objects.filter(client_id=client_id, entry_id__in=chunk)
        yield from rows.values_list("id", *CONTENT_COLUMNS)


def _select_in_postgresql(client_id: int, entry_ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Look up each id in the unique index, the only one that has the rows in this order."""
    with connection.cursor() as cursor:
        cursor.execute(DISABLE_SORTING)
        cursor.execute(
            "SELECT found.* FROM unnest(%s::varchar[]) AS sent (entry_id), LATERAL ("  # noqa: S608
            f"SELECT id, {', '.join(CONTENT_COLUMNS)} FROM {TABLE} "
            "WHERE (client_id, entry_id) >= (%s, sent.entry_id) "
            "AND (client_id, entry_id) <= (%s, sent.entry_id) "
            "ORDER BY client_id, entry_id LIMIT 1) AS found",
            [list(entry_ids), client_id, client_id],
        )
        yield from cursor.fetchall()
