"""Store each entry once and return a verdict for it. Knows the database; knows no HTTP."""

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


def ingest_entries(
    client: MachineClient,
    entries: Sequence[Entry],
    received_at: datetime,
    *,
    commit_if: Callable[[Sequence[Verdict]], bool] = lambda _: True,
) -> list[Verdict]:
    """Store `entries` in one transaction, and roll it back if `commit_if` returns False for the verdicts.

    Returns a verdict per entry, in the same order. If an `entry_id` repeats, the first entry counts and the
    others are compared with it. If this raises, nothing is stored.
    """

    def ingest() -> list[Verdict]:
        with transaction.atomic():
            owner, _ = Client.objects.get_or_create(issuer=client.issuer, client_id=client.client_id)
            provenance = Provenance(client_id=owner.pk, subject=client.subject, received_at=received_at)
            verdicts = _store(provenance, entries)
            if not commit_if(verdicts):
                transaction.set_rollback(True)
        return verdicts

    try:
        return ingest()
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _DEADLOCK_DETECTED:
            raise
        logger.warning("Retrying a batch once after a deadlock")
        return ingest()


def _store(provenance: Provenance, entries: Sequence[Entry]) -> list[Verdict]:
    firsts = _find_first_occurrences(entries)
    ids = insert_new(provenance, [entries[position] for position in firsts])
    created = {position: row_id for position, row_id in zip(firsts, ids, strict=True) if row_id is not None}
    existing: dict[str | None, tuple[int, Entry]] = {}
    if len(created) < len(entries):
        # Some entries repeat others of the batch, or rows that are already stored.
        existing = {
            entries[position].entry_id: (created[position], entries[position]) for position in created
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
    """The positions of entries without an `entry_id`, and of the first entry with each `entry_id`."""
    seen: set[str] = set()
    positions = []
    for position, entry in enumerate(entries):
        if entry.entry_id not in seen:
            positions.append(position)
        if entry.entry_id is not None:
            seen.add(entry.entry_id)
    return positions
