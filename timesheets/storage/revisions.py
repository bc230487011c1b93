"""Find the stored revisions that decide what becomes of an entry."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from django.db import connection

from timesheets.storage import postgresql, sqlite
from timesheets.storage.entries import Entry, EntryKey
from timesheets.storage.rows import CONTENT_COLUMNS, REVISION_COLUMNS, find_or_create_owner
from timesheets.storage.verdicts import OlderRevision, StoredRevision


def statements() -> ModuleType:
    """The module with the statements of the database. Both modules have the same functions."""
    return postgresql if connection.vendor == "postgresql" else sqlite


def find_current(client_id: int, entry_ids: Sequence[str]) -> dict[str, StoredRevision]:
    """The row with the highest revision of each `entry_id` that the client has used."""
    current = {}
    for row_id, *content in statements().select_current(client_id, entry_ids):
        row = _to_revision(row_id, content)
        current[str(row.entry.entry_id)] = row
    return current


def find_current_of_clients(keys: Sequence[EntryKey]) -> Mapping[EntryKey, StoredRevision]:
    """Like `find_current`, for the keys of several clients."""
    current = {}
    for client in {client for client, _ in keys}:
        entry_ids = [entry_id for owner, entry_id in keys if owner == client]
        found = find_current(find_or_create_owner(client), entry_ids)
        current.update({(client, entry_id): row for entry_id, row in found.items()})
    return current


def find_older(client_id: int, judged: Sequence[tuple[Entry, int]]) -> list[OlderRevision | None]:
    """For each entry the row of its revision, or if it has none the newest row with its content.

    The number is the revision that was current when the entry was judged. Later ones do not count. Reads each
    revision of an `entry_id` once, however many of the entries have it.
    """
    # Matched here, because a planner may choose to compare each entry with each revision.
    sought = {_identify(entry): last_revision for entry, last_revision in judged}
    found: dict[tuple[object, ...], OlderRevision] = {}
    next_id = next_entry_id = None
    entry_ids = list({str(entry.entry_id) for entry, _ in judged})
    for row_id, *content in statements().select_revisions(client_id, entry_ids):
        *_, entry_id, revision, _ = content
        if entry_id != next_entry_id:
            next_id = None
        for identity in ((entry_id, revision), (entry_id, *content[:4])):
            if identity not in found and revision <= sought.get(identity, 0):
                found[identity] = (_to_revision(row_id, content), next_id)
        next_id, next_entry_id = row_id, entry_id
    return [found.get(_identify(entry)) for entry, _ in judged]


def _to_revision(row_id: int, content: Sequence[Any]) -> StoredRevision:
    entry = Entry(**dict(zip((*CONTENT_COLUMNS, *REVISION_COLUMNS), content, strict=True)))
    return StoredRevision(timesheet_id=row_id, entry=entry)


def _identify(entry: Entry) -> tuple[object, ...]:
    """Return a condition that only the sought revision meets."""
    if entry.revision is not None:
        return (entry.entry_id, entry.revision)
    return (entry.entry_id, entry.user_id, entry.date, entry.project, entry.hours)
