"""Store each entry once and return a verdict for it. Knows the database; knows no HTTP."""

import logging
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

from timesheets.models import Rejection, Upload
from timesheets.storage.corrections import (
    find_revisions,
    find_revisions_of_clients,
    statements,
    store_corrections,
)
from timesheets.storage.entries import Arrival, Entry, Outcome, StoredRevision, Verdict, compare
from timesheets.storage.gate import Gate
from timesheets.storage.group_commit import GroupCommit
from timesheets.storage.places import share_pool
from timesheets.storage.receipts import add_receipt, reserve_upload
from timesheets.storage.rows import Provenance, find_or_create_owner
from timesheets.storage.writer import begin_upload, read_code, take_turn, wait_for_lock
from timesheets.trust.principals import MachineClient

logger = logging.getLogger(__name__)

_DEADLOCK_DETECTED = "40P01"
_LOCK_NOT_AVAILABLE = "55P03"
# A group has the isolation level that is the database's default; an upload on its own has READ COMMITTED.
_SERIALIZATION_FAILURE = "40001"
_FAILURES_OF_ONE = frozenset({_DEADLOCK_DETECTED, _LOCK_NOT_AVAILABLE, _SERIALIZATION_FAILURE})


Condition = Callable[[Sequence[Verdict]], bool]
Store = Callable[[Provenance, Sequence[Entry]], list[Verdict]]
ListRefused = Callable[[Sequence[Verdict]], Sequence[Rejection]]


class Ingested(NamedTuple):
    """A verdict per entry, and the id of the receipt: None if there is none or nothing was committed."""

    verdicts: list[Verdict]
    upload_id: int | None


def ingest_upload(
    client: MachineClient,
    entries: Sequence[Entry],
    received_at: datetime,
    receipt: Upload | None = None,
    *,
    store: Store | None = None,
    commit_if: Condition | None = None,
    list_refused: ListRefused = lambda _: (),
    gate: Gate | None = None,
) -> Ingested:
    """Store `entries` in one transaction, and roll it back if `commit_if` returns False for the verdicts.

    Returns a verdict per entry, in the same order. Of the entries with one `entry_id`, those without a
    revision and with revision 1 are judged first, then the others by ascending revision, each against what is
    stored by then. If this raises, nothing is stored, unless the connection was lost during the commit. One
    entry may share its transaction with others that arrive at the same time; they do not affect each other.
    `store` judges and stores the entries in another way. `gate` judges what they would add. The upload leaves
    the `receipt`, if any, which says how it was sent, and what `list_refused` makes of the verdicts.
    """
    is_single = len(entries) == 1 and _is_first(entries[0]) and not connection.in_atomic_block
    if is_single and receipt is None and store is None and commit_if is None:
        verdict = _ingest_together(Arrival(client, received_at, entries[0]), gate)
        if verdict is not None:
            return Ingested([verdict], None)

    def ingest() -> Ingested:
        with begin_upload():
            key = client.key
            owner_id, upload_id = reserve_upload(key) if receipt else (find_or_create_owner(key), None)
            provenance = Provenance(owner_id, received_at, client.subject, upload_id, gate)
            verdicts = (store or _store_upload)(provenance, entries)
            if commit_if is not None and not commit_if(verdicts):
                transaction.set_rollback(True)
                return Ingested(verdicts, None)
            if receipt is not None:
                add_receipt(receipt, provenance, entries, verdicts, list_refused(verdicts))
        return Ingested(verdicts, upload_id)

    with share_pool(client):
        try:
            return ingest()
        except OperationalError as error:
            if read_code(error) != _DEADLOCK_DETECTED:
                raise
            logger.warning("Retrying a batch once after a deadlock")
            return ingest()


def _is_first(entry: Entry) -> bool:
    return entry.revision is None or entry.revision == 1


def _ingest_together(arrival: Arrival, gate: Gate | None) -> Verdict | None:
    """The verdict; None if the entry needs a transaction of its own."""
    if gate is not None and gate.refuse(arrival.entry) is not None:
        return None
    try:
        return groups.submit(arrival)
    except DatabaseError as error:
        # The entry may be the reason why the group was refused. Otherwise the database works and stored
        # nothing. A lost connection may hide that it did.
        if isinstance(error, OperationalError) and read_code(error) not in _FAILURES_OF_ONE:
            raise
        return None


def _store_upload(provenance: Provenance, entries: Sequence[Entry]) -> list[Verdict]:
    firsts = [entry for entry in entries if _is_first(entry)]
    results = _store(
        firsts,
        [entry.entry_id for entry in firsts],
        lambda positions: statements().insert_batch(provenance, [firsts[each] for each in positions]),
        partial(find_revisions, provenance.client_id),
        provenance.gate,
    )
    if len(firsts) < len(entries):
        corrections = [entry for entry in entries if not _is_first(entry)]
        of_firsts, of_corrections = iter(results), iter(store_corrections(provenance, corrections))
        results = [next(of_firsts if _is_first(entry) else of_corrections) for entry in entries]
    return results


def _ingest_group(arrivals: Sequence[Arrival]) -> list[Verdict]:
    try:
        return _store_group(arrivals)
    except IntegrityError:
        # A client may have no row yet. One by one, its entries would need more than its share of the pool.
        for client in {arrival.client.key for arrival in arrivals}:
            wait_for_lock(partial(find_or_create_owner, client))
        return _store_group(arrivals)


def _store_group(arrivals: Sequence[Arrival]) -> list[Verdict]:
    return _store(
        [arrival.entry for arrival in arrivals],
        [arrival.key for arrival in arrivals],
        lambda positions: statements().insert_arrivals([arrivals[position] for position in positions]),
        find_revisions_of_clients,
        None,
    )


# Single entries that arrive at the same time.
groups = GroupCommit(take_turn, _ingest_group)


def _store(
    entries: Sequence[Entry],
    keys: Sequence[Hashable],
    insert: Callable[[Sequence[int]], Sequence[int | None]],
    find: Callable[[Iterable[Any]], Mapping[Any, list[StoredRevision]]],
    gate: Gate | None,
) -> list[Verdict]:
    """Insert first revisions, and compare the others with the rows of their key. None is always new.

    `insert` takes positions of entries, and leaves out those whose key exists by then. `find` takes keys.
    What `gate` refuses is not inserted, and leaves its key to others.
    """
    verdicts = enumerate(map(gate.refuse, entries)) if gate else ()
    refused = {position: verdict for position, verdict in verdicts if verdict is not None}
    allowed = [position for position in range(len(entries)) if position not in refused]
    ids = insert(allowed)
    if not refused and None not in ids:
        return [Verdict(outcome=Outcome.CREATED, timesheet_id=row_id) for row_id in ids if row_id is not None]
    created = {position: row_id for position, row_id in zip(allowed, ids, strict=True) if row_id is not None}
    # Some entries repeat others, or rows that are already stored.
    stored = dict(find(set(keys) - {keys[position] for position in created} - {None}))
    results: list[Verdict] = []
    for position, (key, entry) in enumerate(zip(keys, entries, strict=True)):
        if position in created:
            results.append(Verdict(outcome=Outcome.CREATED, timesheet_id=created[position]))
            if key is not None:
                stored[key] = [StoredRevision(created[position], entry)]
        else:
            results.append(compare(entry, stored[key]) if key in stored else refused[position])
    return results
