"""Insert rows, each `entry_id` of a client once, and find existing ones, in SQLite or in PostgreSQL."""

import functools
from collections.abc import Mapping, Sequence

from django.db import connection, transaction

from timesheets.models import Client
from timesheets.storage import postgresql, sqlite
from timesheets.storage.entries import Arrival, Entry, EntryKey
from timesheets.storage.rows import CLIENT_TABLE, CONTENT_COLUMNS, Provenance


def insert_new(provenance: Provenance, entries: Sequence[Entry]) -> list[int | None]:
    """Insert the entries whose `entry_id` the client has not used, in the current transaction.

    Returns for each entry the id of its new row, or None if its `entry_id` already exists. No `entry_id` may
    occur twice in `entries`.
    """
    if connection.vendor == "postgresql":
        return postgresql.insert_batch(provenance, entries)
    return sqlite.insert_rows([(provenance, entry) for entry in entries])


def insert_arrivals(arrivals: Sequence[Arrival]) -> list[int | None]:
    """Insert entries of several clients. Returns what `insert_new` returns.

    In SQLite, this is part of the current transaction. In PostgreSQL, it is a transaction of its own, and a
    client that has no row yet is an IntegrityError.
    """
    if connection.vendor == "postgresql":
        return postgresql.insert_arrivals(arrivals)
    find_owner = functools.cache(find_or_create_owner)
    owners = [find_owner(arrival.client.issuer, arrival.client.client_id) for arrival in arrivals]
    return sqlite.insert_rows(
        [
            (_to_provenance(arrival, owner), arrival.entry)
            for arrival, owner in zip(arrivals, owners, strict=True)
        ]
    )


def _to_provenance(arrival: Arrival, owner_id: int) -> Provenance:
    return Provenance(client_id=owner_id, subject=arrival.client.subject, received_at=arrival.received_at)


def find_or_create_owner(issuer: str, client_id: str) -> int:
    """The key of the client's row. Do not keep it: after a restore, it may be another client's."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {CLIENT_TABLE} WHERE issuer = %s AND client_id = %s",  # noqa: S608
            [issuer, client_id],
        )
        row = cursor.fetchone()
    if row is not None:
        return int(row[0])
    owner, _ = Client.objects.get_or_create(issuer=issuer, client_id=client_id)
    return int(owner.pk)


def find_existing(client_id: int, entry_ids: Sequence[str]) -> Mapping[str, tuple[int, Entry]]:
    """The id and the entry of each row. On PostgreSQL, pass only an `entry_id` that the client has used."""
    database = postgresql if connection.vendor == "postgresql" else sqlite
    existing = {}
    for row_id, *content in database.select_existing(client_id, entry_ids):
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
