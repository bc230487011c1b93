"""Insert rows, each `entry_id` of a client once, and find existing ones, in SQLite and in PostgreSQL."""

import functools
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from django.db import connection, transaction

from timesheets.models import Client, Timesheet
from timesheets.storage.entries import Arrival, Entry, EntryKey
from timesheets.storage.high_water_mark import ANNOUNCE_UPLOAD

TABLE = Timesheet._meta.db_table  # noqa: SLF001  Django documents _meta as its public interface.
_CLIENT_TABLE = Client._meta.db_table  # noqa: SLF001
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


@dataclass(frozen=True, kw_only=True, slots=True)
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
    if connection.vendor == "postgresql":
        return _insert_in_postgresql(provenance, entries)
    return _insert_in_sqlite([(provenance, entry) for entry in entries])


def insert_arrivals(arrivals: Sequence[Arrival]) -> list[int | None]:
    """Insert entries of several clients. Returns what `insert_new` returns.

    In SQLite, this is part of the current transaction. In PostgreSQL, it is a transaction of its own, and a
    client that has no row yet is an IntegrityError.
    """
    if connection.vendor == "postgresql":
        return _insert_arrivals_in_postgresql(arrivals)
    find_owner = functools.cache(find_or_create_owner)
    return _insert_in_sqlite([(_to_provenance(arrival, find_owner), arrival.entry) for arrival in arrivals])


def _to_provenance(arrival: Arrival, find_owner: Callable[[str, str], int]) -> Provenance:
    client = arrival.client
    owner_id = find_owner(client.issuer, client.client_id)
    return Provenance(client_id=owner_id, subject=client.subject, received_at=arrival.received_at)


def find_or_create_owner(issuer: str, client_id: str) -> int:
    """The key of the client's row. Do not keep it: after a restore, it may be another client's."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {_CLIENT_TABLE} WHERE issuer = %s AND client_id = %s",  # noqa: S608
            [issuer, client_id],
        )
        row = cursor.fetchone()
    if row is not None:
        return int(row[0])
    owner, _ = Client.objects.get_or_create(issuer=issuer, client_id=client_id)
    return int(owner.pk)


def _insert_in_sqlite(arrived: Sequence[tuple[Provenance, Entry]]) -> list[int | None]:
    """SQLite has one writer at a time, so rows above the highest id are ours, in the order of insertion."""
    rows = [_to_sqlite_row(provenance, entry) for provenance, entry in arrived]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COALESCE(MAX(id), 0) FROM {TABLE}")  # noqa: S608
        [highest] = cursor.fetchone()
        cursor.executemany(
            f"INSERT INTO {TABLE} ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))}) "  # noqa: S608
            "ON CONFLICT DO NOTHING",
            rows,
        )
        cursor.execute(f"SELECT id, client_id, entry_id FROM {TABLE} WHERE id > %s ORDER BY id", [highest])  # noqa: S608
        inserted = deque(cursor.fetchall())
    # An entry has the next row if client and `entry_id` are equal; otherwise the entry was left out.
    return [
        inserted.popleft()[0] if inserted and inserted[0][1:] == (row[0], row[-1]) else None for row in rows
    ]


def _to_sqlite_row(provenance: Provenance, entry: Entry) -> tuple[Any, ...]:
    user_id, date, project, hours, entry_id = _read_content(entry)
    received_at = _to_sqlite_timestamp(provenance.received_at)
    origin = (provenance.client_id, received_at, provenance.subject)
    return (*origin, user_id, _to_sqlite_timestamp(date), project, str(hours), entry_id)


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
            f"ORDER BY {order} ON CONFLICT DO NOTHING RETURNING {returning}",
            [provenance.client_id, provenance.received_at, provenance.subject, *arrays],
        )
        return list(cursor.fetchall())


# Entries that share a transaction do not wait for an upload that is storing the same `entry_id`.
_GROUP_LOCK_TIMEOUT = "200ms"
# One statement is one transaction and one round trip. JSON is the cheapest way to send rows, because psycopg
# writes arrays in Python. The client's key is NULL if the client has no row yet, which the table refuses.
_INSERT_ARRIVALS = f"""
WITH announced AS MATERIALIZED (
    {ANNOUNCE_UPLOAD}, set_config('lock_timeout', '{_GROUP_LOCK_TIMEOUT}', true)
), sent AS MATERIALIZED (
    SELECT nextval('{TABLE}_id_seq') AS id, owner.id AS client_id, arrived.*
    FROM announced CROSS JOIN ROWS FROM (json_to_recordset(%s::json) AS (
        issuer varchar, client varchar, subject varchar, received_at timestamptz,
        user_id varchar, date timestamptz, project varchar, hours numeric, entry_id varchar
    )) WITH ORDINALITY AS arrived (
        issuer, client, subject, received_at, user_id, date, project, hours, entry_id, position
    ) LEFT JOIN {_CLIENT_TABLE} AS owner ON owner.issuer = arrived.issuer AND owner.client_id = arrived.client
), stored AS (
    INSERT INTO {TABLE} (id, {", ".join(_COLUMNS)}) SELECT id, {", ".join(_COLUMNS)} FROM sent
    ORDER BY client_id, entry_id, position ON CONFLICT DO NOTHING RETURNING id
)
SELECT stored.id FROM sent LEFT JOIN stored USING (id) ORDER BY position
"""  # noqa: S608


def _insert_arrivals_in_postgresql(arrivals: Sequence[Arrival]) -> list[int | None]:
    """Use psycopg's own cursor, because Django's cannot prepare a statement."""
    sent = json.dumps([_to_json(arrival) for arrival in arrivals])
    database: Any = connection
    database.ensure_connection()
    with database.wrap_database_errors, database.Database.Cursor(database.connection) as cursor:
        cursor.execute(_INSERT_ARRIVALS, [sent], prepare=True)
        return [row_id for (row_id,) in cursor.fetchall()]


def _to_json(arrival: Arrival) -> Mapping[str, str | None]:
    entry = arrival.entry
    return {
        "issuer": arrival.client.issuer,
        "client": arrival.client.client_id,
        "subject": arrival.client.subject,
        "received_at": arrival.received_at.isoformat(),
        "user_id": entry.user_id,
        "date": entry.date.isoformat(),
        "project": entry.project,
        "hours": str(entry.hours),
        "entry_id": entry.entry_id,
    }


def find_existing(client_id: int, entry_ids: Sequence[str]) -> Mapping[str, tuple[int, Entry]]:
    """For each `entry_id` that the client has used: the row's id and its entry."""
    select = _select_in_postgresql if connection.vendor == "postgresql" else _select_in_sqlite
    existing = {}
    for row_id, *content in select(client_id, entry_ids):
        entry = Entry(**dict(zip(CONTENT_COLUMNS, content, strict=True)))
        existing[str(entry.entry_id)] = (row_id, entry)
    return existing


def find_existing_of_clients(keys: Sequence[EntryKey]) -> Mapping[EntryKey, tuple[int, Entry]]:
    """Like `find_existing`, for the keys of several clients."""
    existing = {}
    with transaction.atomic():
        for issuer, client_id in {key[:2] for key in keys}:
            entry_ids = [key[2] for key in keys if key[:2] == (issuer, client_id)]
            found = find_existing(find_or_create_owner(issuer, client_id), entry_ids)
            existing.update({(issuer, client_id, entry_id): row for entry_id, row in found.items()})
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
