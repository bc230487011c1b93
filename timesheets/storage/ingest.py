"""Store each entry once and return a verdict for it. Knows the database; knows no HTTP."""

import enum
import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import DatabaseError, OperationalError, connection, transaction

from timesheets.storage.entries import Arrival, Entry
from timesheets.storage.group_commit import GroupCommit
from timesheets.storage.rows import Provenance
from timesheets.storage.stores import (
    find_existing,
    find_existing_of_clients,
    find_or_create_owner,
    insert_arrivals,
    insert_new,
)
from timesheets.storage.writer import begin_group, begin_upload
from timesheets.trust.principals import MachineClient

logger = logging.getLogger(__name__)

_DEADLOCK_DETECTED = "40P01"
_LOCK_NOT_AVAILABLE = "55P03"
# A group has the isolation level that is the database's default; an upload on its own has READ COMMITTED.
_SERIALIZATION_FAILURE = "40001"
_FAILURES_OF_ONE = frozenset({_DEADLOCK_DETECTED, _LOCK_NOT_AVAILABLE, _SERIALIZATION_FAILURE})


class Outcome(enum.Enum):
    CREATED = enum.auto()
    # The client's `entry_id` already exists, with the same content.
    EXISTING = enum.auto()
    # It already exists with different content, which does not change.
    CONFLICT = enum.auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The outcome of an entry, and the id of the row that now has its `entry_id`."""

    outcome: Outcome
    timesheet_id: int


Condition = Callable[[Sequence[Verdict]], bool]


def ingest_entries(
    client: MachineClient,
    entries: Sequence[Entry],
    received_at: datetime,
    *,
    commit_if: Condition | None = None,
) -> list[Verdict]:
    """Store `entries` in one transaction, and roll it back if `commit_if` returns False for the verdicts.

    Returns a verdict per entry, in the same order. If an `entry_id` repeats, the first entry counts and the
    others are compared with it. If this raises, nothing is stored, unless the connection was lost during the
    commit. One entry may share its transaction with others that arrive at the same time; they do not affect
    each other.
    """
    if len(entries) == 1 and commit_if is None and not connection.in_atomic_block:
        return [_ingest_together(Arrival(client=client, received_at=received_at, entry=entries[0]))]
    return _ingest_alone(client, entries, received_at, commit_if)


def _ingest_together(arrival: Arrival) -> Verdict:
    try:
        return _groups.submit(arrival)
    except DatabaseError as error:
        if not _was_refused(error):
            raise
    # One entry of the group is the reason. Only the one it belongs to fails again.
    [verdict] = _ingest_alone(arrival.client, [arrival.entry], arrival.received_at)
    return verdict


def _was_refused(error: DatabaseError) -> bool:
    """True if the database works and stored nothing. A lost connection may hide that it did."""
    return _read_sqlstate(error) in _FAILURES_OF_ONE or not isinstance(error, OperationalError)


def _read_sqlstate(error: DatabaseError) -> str | None:
    return getattr(error.__cause__, "sqlstate", None)


def _ingest_alone(
    client: MachineClient, entries: Sequence[Entry], received_at: datetime, commit_if: Condition | None = None
) -> list[Verdict]:
    ingest = partial(_ingest_in_transaction, client, entries, received_at, commit_if)
    try:
        return ingest()
    except OperationalError as error:
        if _read_sqlstate(error) != _DEADLOCK_DETECTED:
            raise
        logger.warning("Retrying a batch once after a deadlock")
        return ingest()


def _ingest_in_transaction(
    client: MachineClient, entries: Sequence[Entry], received_at: datetime, commit_if: Condition | None
) -> list[Verdict]:
    with begin_upload():
        owner_id = find_or_create_owner(client.issuer, client.client_id)
        provenance = Provenance(client_id=owner_id, subject=client.subject, received_at=received_at)
        verdicts = _store(
            entries,
            [entry.entry_id for entry in entries],
            lambda positions: insert_new(provenance, [entries[position] for position in positions]),
            partial(find_existing, owner_id),
        )
        if commit_if is not None and not commit_if(verdicts):
            transaction.set_rollback(True)
    return verdicts


def _ingest_group(arrivals: Sequence[Arrival]) -> list[Verdict]:
    return _store(
        [arrival.entry for arrival in arrivals],
        [arrival.key for arrival in arrivals],
        lambda positions: insert_arrivals([arrivals[position] for position in positions]),
        find_existing_of_clients,
    )


_groups = GroupCommit(begin_group, _ingest_group)


def _store(
    entries: Sequence[Entry],
    keys: Sequence[Hashable],
    insert: Callable[[Sequence[int]], Sequence[int | None]],
    find: Callable[[Sequence[Any]], Mapping[Any, tuple[int, Entry]]],
) -> list[Verdict]:
    """Insert the entries and find the rows of those whose key already exists. The key None is always new.

    `insert` takes positions of entries, `find` takes keys.
    """
    firsts = _find_first_occurrences(keys)
    ids = insert(firsts)
    if len(ids) == len(entries) and None not in ids:
        return [Verdict(outcome=Outcome.CREATED, timesheet_id=row_id) for row_id in ids if row_id is not None]
    created = {position: row_id for position, row_id in zip(firsts, ids, strict=True) if row_id is not None}
    # Some entries repeat others, or rows that are already stored.
    existing = {keys[position]: (created[position], entries[position]) for position in created}
    existing.update(find([keys[position] for position in firsts if position not in created]))
    return [
        _to_verdict(entry, created.get(position), key, existing)
        for position, (entry, key) in enumerate(zip(entries, keys, strict=True))
    ]


def _to_verdict(
    entry: Entry, created_id: int | None, key: Hashable, existing: Mapping[Hashable, tuple[int, Entry]]
) -> Verdict:
    if created_id is not None:
        return Verdict(outcome=Outcome.CREATED, timesheet_id=created_id)
    timesheet_id, stored = existing[key]
    outcome = Outcome.EXISTING if stored == entry else Outcome.CONFLICT
    return Verdict(outcome=outcome, timesheet_id=timesheet_id)


def _find_first_occurrences(keys: Sequence[Hashable]) -> list[int]:
    """The positions of entries without a key, and of the first entry with each key."""
    seen: set[Hashable] = set()
    positions = []
    for position, key in enumerate(keys):
        if key not in seen:
            positions.append(position)
        if key is not None:
            seen.add(key)
    return positions
