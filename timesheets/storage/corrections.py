"""Store the corrections of an upload: each revision directly after the one before it. Knows no HTTP."""

from collections.abc import Mapping, Sequence

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
    # Stable. All uploads insert keys in this order.
    order = sorted(range(len(entries)), key=lambda position: _read_key(entries[position]))
    new, refused = _find_new(provenance, entries, order, current)
    inserted = statements().insert_corrections(provenance, [entries[position] for position in new])
    ids: dict[int, int] = dict(zip(new, inserted, strict=True))
    results: dict[int, Verdict | StoredRevision] = dict(refused)
    for position in order:
        entry, new_id = entries[position], ids.get(position)
        entry_id, revision = _read_key(entry)
        before = current.get(entry_id)
        if position in refused:
            continue
        if before is None:
            results[position] = Verdict(outcome=Outcome.UNKNOWN_ENTRY, timesheet_id=0)
        elif new_id is not None:
            results[position] = Verdict(Outcome.CREATED, new_id, supersedes=before.timesheet_id)
            current[entry_id] = StoredRevision(timesheet_id=new_id, entry=entry)
        elif revision > before.revision:
            gap = Verdict(Outcome.REVISION_GAP, before.timesheet_id, current_revision=before.revision)
            results[position] = gap
        else:
            results[position] = compare(entry, before)
    return [results[position] for position in range(len(entries))]


def _read_key(entry: Entry) -> tuple[str, int]:
    return entry.entry_id or "", entry.revision or 1


def _find_new(
    provenance: Provenance,
    entries: Sequence[Entry],
    order: Sequence[int],
    current: Mapping[str, StoredRevision],
) -> tuple[list[int], dict[int, Verdict]]:
    """The positions of entries that come directly after the current revision, or after each other.

    Those that the client may not add are in the second result, with their verdict.
    """
    latest = {entry_id: row.entry for entry_id, row in current.items()}
    new, refused = [], {}
    for position in order:
        entry = entries[position]
        entry_id, revision = _read_key(entry)
        before = latest.get(entry_id)
        if before is None or (before.revision or 1) != revision - 1:
            continue
        if verdict := provenance.refuse(entry, before):
            refused[position] = verdict
        else:
            latest[entry_id] = entry
            new.append(position)
    return new, refused


def store_as_current(provenance: Provenance, entries: Sequence[Entry], *, may_correct: bool) -> list[Verdict]:
    """Store what the entries state as current: a first revision, or the next one if the stored row differs.

    Each entry has an `entry_id` and no revision. Of those with one `entry_id`, the first accepted one counts.
    """
    # As in every upload, new keys come before the lock. Otherwise two uploads could deadlock.
    ids = _store_unknown(provenance, entries)
    statements().lock_corrections(provenance.client_id)
    keys = [_read_key(entry)[0] for entry in entries]
    before = find_current(provenance.client_id, list(set(keys) - ids.keys()))
    current = {entry_id: row.entry for entry_id, row in before.items()}
    outcomes = _judge_as_current(provenance, entries, current, may_correct=may_correct)
    corrected = [entry_id for entry_id, row in before.items() if current[entry_id] is not row.entry]
    inserted = statements().insert_corrections(provenance, [current[entry_id] for entry_id in corrected])
    ids |= {entry_id: row.timesheet_id for entry_id, row in before.items()}
    ids |= dict(zip(corrected, inserted, strict=True))
    after = {key: StoredRevision(timesheet_id=ids[key], entry=entry) for key, entry in current.items()}
    return [
        outcome
        if isinstance(outcome, Verdict)
        else describe_as_current(outcome, before.get(key), after.get(key))
        for key, outcome in zip(keys, outcomes, strict=True)
    ]


def _store_unknown(provenance: Provenance, entries: Sequence[Entry]) -> dict[str, int]:
    """Store the first entry of each unused `entry_id`. Returns the new ids by `entry_id`.

    What the client may not add leaves its `entry_id` to others.
    """
    new = [entry for entry in entries if entry.hours and provenance.refuse(entry) is None]
    ids = statements().insert_batch(provenance, new)
    return {str(entry.entry_id): row_id for entry, row_id in zip(new, ids, strict=True) if row_id is not None}


def _judge_as_current(
    provenance: Provenance, entries: Sequence[Entry], current: dict[str, Entry], *, may_correct: bool
) -> list[Outcome | Verdict]:
    """The outcomes of the entries, in their order; a verdict for one that the client may not add.

    Puts what they create into `current`, by `entry_id`.
    """
    outcomes: list[Outcome | Verdict] = []
    decided = set()
    for entry in entries:
        key = _read_key(entry)[0]
        outcome = judge_as_current(
            entry, current.get(key), is_decided=key in decided, may_correct=may_correct
        )
        if outcome is Outcome.CREATED and (verdict := provenance.refuse(entry, current.get(key))):
            outcomes.append(verdict)
            continue
        if outcome in ACCEPTED:
            decided.add(key)
        if outcome is Outcome.CREATED:
            revision = _read_key(current[key])[1] + 1 if key in current else 1
            current[key] = entry._replace(revision=revision)
        outcomes.append(outcome)
    return outcomes
