"""Find the stored revisions that decide about an entry, and store the next ones. Knows no HTTP."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from django.db import connection

from timesheets.storage import postgresql, sqlite
from timesheets.storage.entries import Entry, EntryKey
from timesheets.storage.rows import CONTENT_COLUMNS, REVISION_COLUMNS, Provenance, find_or_create_owner
from timesheets.storage.verdicts import (
    ACCEPTED,
    OlderRevision,
    Outcome,
    StoredRevision,
    Verdict,
    compare,
    describe_as_current,
    judge_as_current,
)


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


def store_corrections(provenance: Provenance, entries: Sequence[Entry]) -> list[Verdict | StoredRevision]:
    """Store the entries, whose revisions are 2 or more, in the current transaction.

    The entries of one `entry_id` are judged by ascending revision, and equal revisions in their order. The
    result has a verdict per entry, or the current row if older rows must decide.
    """
    statements().lock_corrections(provenance.client_id)
    current = find_current(provenance.client_id, list({str(entry.entry_id) for entry in entries}))
    judged: dict[int, tuple[StoredRevision | None, StoredRevision | Verdict | None]] = {}
    new: list[StoredRevision] = []
    # Stable. All uploads insert keys in this order.
    for position in sorted(range(len(entries)), key=lambda position: _read_key(entries[position])):
        entry = entries[position]
        entry_id, revision = _read_key(entry)
        before = current.get(entry_id)
        result: StoredRevision | Verdict | None = None
        if before is not None and revision == before.revision + 1:
            result = provenance.refuse(entry, before.entry)
            if result is None:
                result = current[entry_id] = StoredRevision(0, entry)
                new.append(current[entry_id])
        judged[position] = before, result
    _insert(provenance, new)
    return [_judge(entry, *judged[position]) for position, entry in enumerate(entries)]


def _read_key(entry: Entry) -> tuple[str, int]:
    return entry.entry_id or "", entry.revision or 1


def _insert(provenance: Provenance, new: Sequence[StoredRevision]) -> None:
    """Insert the rows, and set their ids."""
    ids = statements().insert_corrections(provenance, [row.entry for row in new])
    for row, row_id in zip(new, ids, strict=True):
        row.timesheet_id = row_id


def _judge(
    entry: Entry, before: StoredRevision | None, result: StoredRevision | Verdict | None
) -> Verdict | StoredRevision:
    """The verdict of an entry that met the row `before`. The result is its new row, or why it has none."""
    if before is None:
        return Verdict(outcome=Outcome.UNKNOWN_ENTRY, timesheet_id=0)
    if isinstance(result, Verdict):
        return result
    if result is not None:
        return Verdict(Outcome.CREATED, result.timesheet_id, supersedes=before.timesheet_id)
    if _read_key(entry)[1] > before.revision:
        return Verdict(Outcome.REVISION_GAP, before.timesheet_id, current_revision=before.revision)
    return compare(entry, before)


def store_as_current(provenance: Provenance, entries: Sequence[Entry], *, may_correct: bool) -> list[Verdict]:
    """Store what the entries state as current: a first revision, or the next one if the stored row differs.

    Each entry has an `entry_id` and no revision. Of those with one `entry_id`, the first accepted one counts.
    """
    # As in every upload, new keys come before the lock. Otherwise two uploads could deadlock. What the client
    # may not add leaves its `entry_id` to others.
    unknown = [entry for entry in entries if entry.hours and provenance.refuse(entry) is None]
    inserted = statements().insert_batch(provenance, unknown)
    ids = {str(entry.entry_id): row_id for entry, row_id in zip(unknown, inserted, strict=True) if row_id}
    statements().lock_corrections(provenance.client_id)
    keys = [str(entry.entry_id) for entry in entries]
    before = find_current(provenance.client_id, list(set(keys) - ids.keys()))
    current, judged, decided = dict(before), list[Outcome | Verdict](), set[str]()
    for key, entry in zip(keys, entries, strict=True):
        row = current.get(key)
        stored = row.entry if row else None
        outcome = judge_as_current(entry, stored, is_decided=key in decided, may_correct=may_correct)
        if outcome is Outcome.CREATED and (verdict := provenance.refuse(entry, stored)):
            judged.append(verdict)
            continue
        judged.append(outcome)
        if outcome in ACCEPTED:
            decided.add(key)
        if outcome is Outcome.CREATED:
            revision = row.revision + 1 if row else 1
            current[key] = StoredRevision(ids.get(key, 0), entry._replace(revision=revision))
    _insert(provenance, [current[key] for key, row in before.items() if current[key] is not row])
    return [
        each if isinstance(each, Verdict) else describe_as_current(each, before.get(key), current.get(key))
        for key, each in zip(keys, judged, strict=True)
    ]
