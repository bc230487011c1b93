"""Insert rows, each revision of a client's `entry_id` once, and find rows, in SQLite or in PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from timesheets.models import Client
from timesheets.storage import postgresql, sqlite
from timesheets.storage.entries import Arrival, Entry, EntryKey
from timesheets.storage.rows import CLIENT_TABLE, CONTENT_COLUMNS, REVISION_COLUMNS, Provenance
from timesheets.storage.verdicts import OlderRevision, StoredRevision


def insert_new(provenance: Provenance, entries: Sequence[Entry]) -> list[int | None]:
    """Insert the entries whose `entry_id` the client has not used, in the current transaction.

    Returns for each entry the id of its new row, or None if its `entry_id` already exists. No `entry_id` may
    occur twice in `entries`.
    """
    if connection.vendor == "postgresql":
        return postgresql.insert_batch(provenance, entries)
    return sqlite.insert_batch(provenance, entries)


def insert_arrivals(arrivals: Sequence[Arrival]) -> list[int | None]:
    """Insert entries of several clients in a transaction of its own. Returns what `insert_new` returns.

    A client that has no row yet is an IntegrityError.
    """
    ids: list[int | None] = _statements().insert_arrivals(arrivals)
    return ids


def find_owner(issuer: str, client_id: str) -> int | None:
    """The key of the client's row; None if it has not uploaded anything."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {CLIENT_TABLE} WHERE issuer = %s AND client_id = %s",  # noqa: S608
            [issuer, client_id],
        )
        row = cursor.fetchone()
    return None if row is None else int(row[0])


def find_or_create_owner(issuer: str, client_id: str) -> int:
    """The key of the client's row. Do not keep it: after a restore, it may be another client's."""
    owner_id = find_owner(issuer, client_id)
    if owner_id is not None:
        return owner_id
    owner, _ = Client.objects.get_or_create(issuer=issuer, client_id=client_id)
    return int(owner.pk)


def lock_corrections(client_id: int) -> None:
    """Let nobody else correct the client's entries until the transaction ends. SQLite has one writer."""
    if connection.vendor == "postgresql":
        postgresql.lock_corrections(client_id)


def insert_corrections(provenance: Provenance, entries: Sequence[Entry]) -> Sequence[int | None]:
    """The ids of the new rows. The client's corrections must be locked, and no revision may exist."""
    if connection.vendor == "postgresql":
        return postgresql.insert_corrections(provenance, entries)
    return sqlite.insert_corrections(provenance, entries)


def find_current(client_id: int, entry_ids: Sequence[str]) -> dict[str, StoredRevision]:
    """The row with the highest revision of each `entry_id` that the client has used."""
    current = {}
    for row_id, *content in _statements().select_current(client_id, entry_ids):
        entry = Entry(**dict(zip((*CONTENT_COLUMNS, *REVISION_COLUMNS), content, strict=True)))
        current[str(entry.entry_id)] = StoredRevision(timesheet_id=row_id, entry=entry)
    return current


def find_current_of_clients(keys: Sequence[EntryKey]) -> Mapping[EntryKey, StoredRevision]:
    """Like `find_current`, for the keys of several clients."""
    current = {}
    for issuer, client_id in {key[:2] for key in keys}:
        entry_ids = [key[2] for key in keys if key[:2] == (issuer, client_id)]
        found = find_current(find_or_create_owner(issuer, client_id), entry_ids)
        current.update({(issuer, client_id, entry_id): row for entry_id, row in found.items()})
    return current


def find_older(client_id: int, judged: Sequence[tuple[Entry, int]]) -> list[OlderRevision | None]:
    """For each entry the row of its revision, or if it has none the newest row with its content.

    The number is the revision that was current when the entry was judged. Later ones do not count. Reads each
    revision of an `entry_id` once, however many of the entries have it.
    """
    sought = {_identify(entry): last_revision for entry, last_revision in judged}
    found: dict[tuple[object, ...], OlderRevision] = {}
    next_id = next_entry_id = None
    entry_ids = list({str(entry.entry_id) for entry, _ in judged})
    for row_id, *content in _statements().select_revisions(client_id, entry_ids):
        *_, entry_id, revision, _ = content
        if entry_id != next_entry_id:
            next_id = None
        for identity in ((entry_id, revision), (entry_id, *content[:4])):
            if identity not in found and revision <= sought.get(identity, 0):
                entry = Entry(**dict(zip((*CONTENT_COLUMNS, *REVISION_COLUMNS), content, strict=True)))
                row = StoredRevision(timesheet_id=row_id, entry=entry)
                found[identity] = OlderRevision(row=row, next_id=next_id)
        next_id, next_entry_id = row_id, entry_id
    return [found.get(_identify(entry)) for entry, _ in judged]


def _identify(entry: Entry) -> tuple[object, ...]:
    """What tells the sought row from the other revisions."""
    if entry.revision is not None:
        return (entry.entry_id, entry.revision)
    return (entry.entry_id, entry.user_id, entry.date, entry.project, entry.hours)


def _statements() -> Any:
    return postgresql if connection.vendor == "postgresql" else sqlite
