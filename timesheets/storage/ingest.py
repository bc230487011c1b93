"""Store entries, each once, and say what became of each. Knows the database; knows no HTTP."""

import enum
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import OperationalError, transaction

from timesheets.models import Client
from timesheets.storage.entries import Entry
from timesheets.storage.stores import Provenance, find_existing, insert_new
from timesheets.trust.principals import MachineClient

logger = logging.getLogger(__name__)

_DEADLOCK_DETECTED = "40P01"


class Outcome(enum.Enum):
    """What became of an entry."""

    CREATED = enum.auto()
    # The client's `entry_id` was there already, with the same content.
    EXISTING = enum.auto()
    # It was there with other content, which stays.
    CONFLICT = enum.auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """An entry's outcome, and the id of the row that stands for its `entry_id` now."""

    outcome: Outcome
    timesheet_id: int


def ingest_entries(
    client: MachineClient,
    entries: Sequence[Entry],
    received_at: datetime,
    *,
    commit_if: Callable[[Sequence[Verdict]], bool] | None = None,
) -> list[Verdict]:
    """Store `entries` in one transaction, unless `commit_if` sees their verdicts and says no.

    A verdict for each entry, in their order. Of an `entry_id` that comes more than once the first
    counts, and the others are compared with it. When this returns, all is committed or nothing
    is; when it raises, nothing is.
    """
    try:
        return _ingest_once(client, entries, received_at, commit_if)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _DEADLOCK_DETECTED:
            raise
        logger.warning("Trying a batch once more after a deadlock")
        return _ingest_once(client, entries, received_at, commit_if)


def _ingest_once(
    client: MachineClient,
    entries: Sequence[Entry],
    received_at: datetime,
    commit_if: Callable[[Sequence[Verdict]], bool] | None,
) -> list[Verdict]:
    with transaction.atomic():
        owner, _ = Client.objects.get_or_create(issuer=client.issuer, client_id=client.client_id)
        provenance = Provenance(client_id=owner.pk, subject=client.subject, received_at=received_at)
        verdicts = _store(provenance, entries)
        if commit_if is not None and not commit_if(verdicts):
            transaction.set_rollback(True)
    return verdicts


def _store(provenance: Provenance, entries: Sequence[Entry]) -> list[Verdict]:
    firsts = _find_first_occurrences(entries)
    ids = insert_new(provenance, [entries[position] for position in firsts])
    created = {position: row_id for position, row_id in zip(firsts, ids, strict=True) if row_id is not None}
    existing: dict[str | None, tuple[int, Entry]] = {}
    if len(created) < len(entries):
        # Some are repeats, of entries beside them or of rows that were there.
        existing = {
            entries[position].entry_id: (row_id, entries[position]) for position, row_id in created.items()
        }
        left_out = [str(entries[position].entry_id) for position in firsts if position not in created]
        existing.update(find_existing(provenance.client_id, left_out))
    return [_to_verdict(entry, created.get(position), existing) for position, entry in enumerate(entries)]


def _to_verdict(
    entry: Entry, created_id: int | None, existing: Mapping[str | None, tuple[int, Entry]]
) -> Verdict:
    if created_id is not None:
        return Verdict(outcome=Outcome.CREATED, timesheet_id=created_id)
    timesheet_id, stored = existing[entry.entry_id]
    outcome = Outcome.EXISTING if stored == entry else Outcome.CONFLICT
    return Verdict(outcome=outcome, timesheet_id=timesheet_id)


def _find_first_occurrences(entries: Sequence[Entry]) -> list[int]:
    """The positions of the entries whose `entry_id` has not come before."""
    seen: set[str] = set()
    firsts = []
    for position, entry in enumerate(entries):
        if entry.entry_id not in seen:
            firsts.append(position)
        if entry.entry_id is not None:
            seen.add(entry.entry_id)
    return firsts
