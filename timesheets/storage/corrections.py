"""Find the stored revisions that decide about an entry, and store the next ones. Knows no HTTP."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from types import ModuleType

from django.db import connection

from timesheets.storage import postgresql, sqlite
from timesheets.storage.entries import (
    ACCEPTED,
    Entry,
    EntryKey,
    Outcome,
    StoredRevision,
    Verdict,
    compare,
    describe_as_current,
    judge_as_current,
)
from timesheets.storage.rows import CONTENT_COLUMNS, REVISION_COLUMNS, Provenance, find_or_create_owner
from timesheets.trust.principals import ClientKey


def statements() -> ModuleType:
    """The module with the statements of the database. Both modules have the same functions."""
    return postgresql if connection.vendor == "postgresql" else sqlite


def find_revisions(client_id: int, entry_ids: Iterable[str]) -> dict[str, list[StoredRevision]]:
    """The rows of each `entry_id` that the client has used, by revision."""
    found = defaultdict[str, list[StoredRevision]](list)
    for row_id, *content in statements().select_revisions(client_id, list(set(entry_ids))):
        entry = Entry(**dict(zip((*CONTENT_COLUMNS, *REVISION_COLUMNS), content, strict=True)))
        found[str(entry.entry_id)].append(StoredRevision(row_id, entry))
    return dict(found)


def find_revisions_of_clients(keys: Iterable[EntryKey]) -> dict[EntryKey, list[StoredRevision]]:
    """Like `find_revisions`, for the keys of several clients."""
    entry_ids = defaultdict[ClientKey, list[str]](list)
    for client, entry_id in keys:
        entry_ids[client].append(entry_id)
    return {
        (client, entry_id): rows
        for client, sought in entry_ids.items()
        for entry_id, rows in find_revisions(find_or_create_owner(client), sought).items()
    }


def store_corrections(provenance: Provenance, entries: Sequence[Entry]) -> list[Verdict]:
    """Store the entries, whose revisions are 2 or more, in the current transaction.

    The entries of one `entry_id` are judged by ascending revision, and equal revisions in their order.
    """
    statements().lock_corrections(provenance.client_id)
    stored = find_revisions(provenance.client_id, (str(entry.entry_id) for entry in entries))
    judged: dict[int, tuple[Sequence[StoredRevision], StoredRevision | Verdict | None]] = {}
    new: list[StoredRevision] = []
    # Stable. All uploads insert keys in this order.
    for position in sorted(range(len(entries)), key=lambda position: _read_key(entries[position])):
        entry = entries[position]
        rows = stored.get(str(entry.entry_id), [])
        before, result = rows[:], None
        if rows and entry.revision == len(rows) + 1:
            result = provenance.refuse(entry, rows[-1].entry) or StoredRevision(0, entry)
        if isinstance(result, StoredRevision):
            rows.append(result)
            new.append(result)
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
    entry: Entry, before: Sequence[StoredRevision], result: StoredRevision | Verdict | None
) -> Verdict:
    """The verdict of an entry that met the rows `before`. The result is its new row, or why it has none."""
    if not before:
        return Verdict(Outcome.UNKNOWN_ENTRY, 0)
    if isinstance(result, StoredRevision):
        return Verdict(Outcome.CREATED, result.timesheet_id, supersedes=before[-1].timesheet_id)
    return result or compare(entry, before)


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
    stored = find_revisions(provenance.client_id, set(keys) - ids.keys())
    before = {key: rows[-1] for key, rows in stored.items()}
    current, judged, decided = dict(before), list[Outcome | Verdict](), set[str]()
    for key, entry in zip(keys, entries, strict=True):
        row = current.get(key)
        content = row.entry if row else None
        outcome = judge_as_current(entry, content, is_decided=key in decided, may_correct=may_correct)
        if outcome is Outcome.CREATED and (verdict := provenance.refuse(entry, content)):
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
