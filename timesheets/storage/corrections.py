"""Store the corrections of an upload: each revision directly after the one before it. Knows no HTTP."""

from collections.abc import Mapping, Sequence

from timesheets.storage.entries import Entry
from timesheets.storage.revisions import find_current, statements
from timesheets.storage.rows import Provenance
from timesheets.storage.verdicts import Outcome, StoredRevision, Verdict, compare


def store_corrections(provenance: Provenance, entries: Sequence[Entry]) -> list[Verdict | StoredRevision]:
    """Store the entries, whose revisions are 2 or more, in the current transaction.

    The entries of one `entry_id` are judged by ascending revision, and equal revisions in their order. The
    result has a verdict per entry, or the current row if older rows must decide.
    """
    statements().lock_corrections(provenance.client_id)
    current = find_current(provenance.client_id, list({str(entry.entry_id) for entry in entries}))
    # Stable. All uploads insert keys in this order.
    order = sorted(range(len(entries)), key=lambda position: _read_key(entries[position]))
    new = _find_new(entries, order, current)
    inserted = statements().insert_corrections(provenance, [entries[position] for position in new])
    ids: dict[int, int] = dict(zip(new, inserted, strict=True))
    results = {}
    for position in order:
        entry = entries[position]
        entry_id, _ = _read_key(entry)
        results[position] = _judge(entry, ids.get(position), current.get(entry_id))
        if new_id := ids.get(position):
            current[entry_id] = StoredRevision(timesheet_id=new_id, entry=entry)
    return [results[position] for position in range(len(entries))]


def _read_key(entry: Entry) -> tuple[str, int]:
    return entry.entry_id or "", entry.revision or 1


def _find_new(
    entries: Sequence[Entry], order: Sequence[int], current: Mapping[str, StoredRevision]
) -> list[int]:
    """The positions of entries that come directly after the current revision, or after each other."""
    revisions = {entry_id: row.revision for entry_id, row in current.items()}
    new = []
    for position in order:
        entry_id, revision = _read_key(entries[position])
        if revisions.get(entry_id) == revision - 1:
            revisions[entry_id] = revision
            new.append(position)
    return new


def _judge(entry: Entry, new_id: int | None, current: StoredRevision | None) -> Verdict | StoredRevision:
    if current is None:
        return Verdict(outcome=Outcome.UNKNOWN_ENTRY, timesheet_id=0)
    if new_id is not None:
        return Verdict(outcome=Outcome.CREATED, timesheet_id=new_id, supersedes=current.timesheet_id)
    if _read_key(entry)[1] > current.revision:
        return Verdict(
            outcome=Outcome.REVISION_GAP,
            timesheet_id=current.timesheet_id,
            current_revision=current.revision,
        )
    return compare(entry, current)
