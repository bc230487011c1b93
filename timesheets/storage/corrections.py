"""Store the corrections of an upload: each revision directly after the one before it. Knows no HTTP."""

from collections.abc import Sequence

from timesheets.storage.entries import Entry
from timesheets.storage.revisions import find_current, statements
from timesheets.storage.rows import Provenance
from timesheets.storage.verdicts import (
    ACCEPTED,
    Outcome,
    StoredRevision,
    Verdict,
    compare,
    describe_as_current,
    judge_as_current,
)


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
