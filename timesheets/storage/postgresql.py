"""The statements of an upload in PostgreSQL."""

import json
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from operator import attrgetter
from typing import Any

from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, connections, transaction

from timesheets.models import Timesheet
from timesheets.storage.entries import Arrival, Entry
from timesheets.storage.high_water_mark import announce
from timesheets.storage.rows import (
    CLIENT_TABLE,
    COLUMNS,
    CONTENT_COLUMNS,
    ORIGIN_COLUMNS,
    REVISION_COLUMNS,
    TABLE,
    Provenance,
    read_content,
)

# Batches of this size or less take one statement. Of a batch that was sent before, in whole or in large part,
# the probe finds a row, so hardly any COPY fails.
_PROBE_SIZE = 100
_CONTENT_TYPES = ("varchar", "timestamptz", "varchar", "numeric", "varchar")
_BINARY_TYPES = ("int8", "int8", "timestamptz", "varchar", "int8", *_CONTENT_TYPES)
_ARRAY_TYPES = {
    **dict(zip(CONTENT_COLUMNS, _CONTENT_TYPES, strict=True)),
    "revision": "int",
    "reason": "varchar",
}

# For a statement whose only allowed index has the rows in order. If its statistics are old or missing, the
# planner would read a client's rows from another index and sort them. The settings last until the transaction
# ends.
DISABLE_SORTING = (
    "SELECT set_config('enable_sort', 'off', true), set_config('enable_incremental_sort', 'off', true)"
)

# A commit waits for the synchronous standby only if its transaction wrote something. An entry that is already
# stored may have reached no standby yet, and must not be acknowledged before it has.
_WRITE_WAL = "pg_logical_emit_message(true, 'timesheets', '')"

# Entries that share a transaction hardly wait for an upload that is storing the same `entry_id`.
_GROUP_LOCK_TIMEOUT = "200ms"
# One statement is one transaction and one round trip. JSON is the cheapest way to send a few rows, because
# psycopg writes arrays in Python. The client's key is NULL if the client has no row yet, which the table
# refuses. All uploads insert keys in the order of their bytes; otherwise they could deadlock.
_INSERT_ARRIVALS = f"""
WITH announced AS MATERIALIZED (
    {announce(Timesheet)}, set_config('lock_timeout', '{_GROUP_LOCK_TIMEOUT}', true)
), sent AS MATERIALIZED (
    SELECT nextval('{TABLE}_id_seq') AS id, owner.id AS client_id, NULL::bigint AS upload_id, arrived.*
    FROM announced CROSS JOIN ROWS FROM (json_to_recordset(%s::json) AS (
        issuer varchar, client varchar, organization varchar, subject varchar, received_at timestamptz,
        user_id varchar, date timestamptz, project varchar, hours numeric, entry_id varchar
    )) WITH ORDINALITY AS arrived (
        issuer, client, organization, subject, received_at, user_id, date, project, hours, entry_id, position
    ) LEFT JOIN {CLIENT_TABLE} AS owner ON owner.issuer = arrived.issuer AND owner.client_id = arrived.client
        AND owner.organization = arrived.organization
), stored AS (
    INSERT INTO {TABLE} (id, {", ".join(COLUMNS)}) SELECT id, {", ".join(COLUMNS)} FROM sent
    ORDER BY client_id, entry_id COLLATE "C", position ON CONFLICT DO NOTHING RETURNING id
)
SELECT stored.id FROM sent LEFT JOIN stored USING (id) ORDER BY position
"""  # noqa: S608


def insert_arrivals(arrivals: Sequence[Arrival]) -> list[int | None]:
    """Insert entries of several clients, in one statement and therefore in one transaction.

    Uses psycopg's cursor, because Django's prepares no statement.
    """
    sent = json.dumps([_to_json(arrival) for arrival in arrivals])
    database: Any = connections[DEFAULT_DB_ALIAS]
    database.ensure_connection()
    with database.wrap_database_errors, database.Database.Cursor(database.connection) as cursor:
        cursor.execute(_INSERT_ARRIVALS, [sent])
        return [row_id for (row_id,) in cursor.fetchall()]


def _to_json(arrival: Arrival) -> Mapping[str, str | None]:
    entry = arrival.entry
    return {
        "issuer": arrival.client.issuer,
        "client": arrival.client.client_id,
        "organization": arrival.client.organization,
        "subject": arrival.client.subject,
        "received_at": arrival.received_at.isoformat(),
        "user_id": entry.user_id,
        "date": entry.date.isoformat(),
        "project": entry.project,
        "hours": str(entry.hours),
        "entry_id": entry.entry_id,
    }


def insert_batch(provenance: Provenance, entries: Sequence[Entry]) -> list[int | None]:
    """The id of each entry's new row, or None if its `entry_id` exists.

    Inserts entries without an `entry_id` first, in their order, and then the keys in the order of bytes.
    """
    order = sorted(range(len(entries)), key=[entry.entry_id or "" for entry in entries].__getitem__)
    in_order = [entries[position] for position in order]
    ids = _insert_from_arrays(provenance, in_order[:_PROBE_SIZE])
    # COPY is faster but fails if an `entry_id` exists, so the first entries decide whether to try it.
    if len(entries) > _PROBE_SIZE and None not in ids:
        with suppress(IntegrityError):
            ids += _copy(provenance, in_order[_PROBE_SIZE:])
    ids += _insert_from_arrays(provenance, in_order[len(ids) :])
    by_position = dict(zip(order, ids, strict=True))
    return [by_position[position] for position in range(len(entries))]


def _insert_from_arrays(
    provenance: Provenance, entries: Sequence[Entry], columns: Sequence[str] = CONTENT_COLUMNS
) -> list[int | None]:
    if not entries:
        return []
    content = ", ".join(columns)
    arrays = [list(column) for column in zip(*map(attrgetter(*columns), entries), strict=True)]
    with connection.cursor() as cursor:
        # Rows are inserted and returned in the order of the SELECT.
        cursor.execute(
            f"WITH announced AS MATERIALIZED ({announce(Timesheet)}) "  # noqa: S608
            f"INSERT INTO {TABLE} ({', '.join(ORIGIN_COLUMNS)}, {content}) "
            f"SELECT %s, %s, %s, %s::bigint, {content} FROM announced, "
            f"unnest({', '.join(f'%s::{_ARRAY_TYPES[name]}[]' for name in columns)}) "
            f"WITH ORDINALITY AS sent ({content}, position) "
            "ORDER BY position ON CONFLICT DO NOTHING RETURNING id, entry_id",
            [*provenance[:4], *arrays],
        )
        inserted = deque(cursor.fetchall())
    # An entry has the next row if the `entry_id`s are equal; otherwise the entry was left out.
    return [
        inserted.popleft()[0] if inserted and inserted[0][1] == entry.entry_id else None for entry in entries
    ]


def insert_corrections(provenance: Provenance, entries: Sequence[Entry]) -> list[int | None]:
    """The ids of the new rows. No revision may exist, and the client's corrections must be locked."""
    return _insert_from_arrays(provenance, entries, (*CONTENT_COLUMNS, *REVISION_COLUMNS))


def _copy(provenance: Provenance, entries: Sequence[Entry]) -> list[int]:
    """Insert entries of an announced upload. Raises IntegrityError, and inserts none, if one exists."""
    statement = f"COPY {TABLE} (id, {', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)"
    with connection.cursor() as cursor, transaction.atomic(), connection.wrap_database_errors:
        cursor.execute(f"SELECT nextval('{TABLE}_id_seq') FROM generate_series(1, %s)", [len(entries)])  # noqa: S608
        ids = [row_id for (row_id,) in cursor.fetchall()]
        with cursor.copy(statement) as copy:
            copy.set_types(_BINARY_TYPES)
            origin = provenance[:4]
            for row_id, content in zip(ids, map(read_content, entries), strict=True):
                copy.write_row((row_id, *origin, *content))
    return ids


# The first key of an advisory lock; the second is the client's.
_CORRECTIONS_LOCK_CLASS = int.from_bytes(b"corr")


def lock_corrections(client_id: int) -> None:
    """Wait until no other transaction corrects the client's entries. No insert of a correction then waits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, (%s::bigint << 32 >> 32)::int)",
            [_CORRECTIONS_LOCK_CLASS, client_id],
        )


# The unique index is the only one that has revisions in order.
_SELECT_REVISIONS = f"""SELECT stored.* FROM unnest(%s::varchar[]) AS sent (entry_id), LATERAL (
    SELECT id, {", ".join((*CONTENT_COLUMNS, *REVISION_COLUMNS))} FROM {TABLE}
    WHERE client_id = %s AND entry_id = sent.entry_id ORDER BY revision
) AS stored
"""  # noqa: S608


def select_revisions(client_id: int, entry_ids: list[str]) -> Sequence[tuple[Any, ...]]:
    """The id, the content and the revision of each revision of the ids, for each id in order."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{DISABLE_SORTING}, {_WRITE_WAL}")
        cursor.execute(_SELECT_REVISIONS, [entry_ids, client_id])
        return list(cursor.fetchall())
