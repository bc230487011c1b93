"""Store entries, each once. Knows the database; knows no HTTP."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from timesheets.models import Client, Timesheet
from timesheets.principals import MachineClient


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What an employee worked on a project: `date` is aware of its zone, `hours` above 0 and at most 24."""

    user_id: str
    date: datetime
    project: str
    hours: Decimal
    entry_id: str | None = None


class Outcome(enum.Enum):
    """What became of an entry."""

    CREATED = enum.auto()
    # The client's `entry_id` was there already, with the same content.
    EXISTING = enum.auto()
    # It was there with other content, which stays.
    CONFLICT = enum.auto()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """An entry's outcome, and the row that now stands for it."""

    outcome: Outcome
    timesheet: Timesheet


def ingest_entries(client: MachineClient, entries: Sequence[Entry], received_at: datetime) -> list[Verdict]:
    """Store `entries` in one transaction and return a verdict for each, in their order.

    When this returns, all is committed; when it raises, nothing was stored.
    """
    owner, _ = Client.objects.get_or_create(issuer=client.issuer, client_id=client.client_id)
    with transaction.atomic():
        return [_ingest_entry(owner, client.subject, entry, received_at) for entry in entries]


def _ingest_entry(owner: Client, subject: str | None, entry: Entry, received_at: datetime) -> Verdict:
    content = {
        "user_id": entry.user_id,
        "date": entry.date,
        "project": entry.project,
        "hours": entry.hours,
    }
    row = {**content, "received_at": received_at, "subject": subject}
    if entry.entry_id is None:
        return Verdict(outcome=Outcome.CREATED, timesheet=Timesheet.objects.create(client=owner, **row))
    timesheet, created = Timesheet.objects.get_or_create(client=owner, entry_id=entry.entry_id, defaults=row)
    if created:
        return Verdict(outcome=Outcome.CREATED, timesheet=timesheet)
    unchanged = all(getattr(timesheet, name) == value for name, value in content.items())
    return Verdict(outcome=Outcome.EXISTING if unchanged else Outcome.CONFLICT, timesheet=timesheet)
