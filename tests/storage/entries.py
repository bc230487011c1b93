"""Entries to ingest, and the entries that are stored."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from timesheets.models import Timesheet
from timesheets.storage.entries import Entry, Outcome, Verdict
from timesheets.storage.ingest import ingest_upload
from timesheets.storage.rows import Reach
from timesheets.trust.principals import MachineClient

PAYROLL = MachineClient(
    issuer="https://example.eu.auth0.com/", client_id="payroll", subject="payroll@clients"
)
RECEIVED_AT = datetime(2017, 5, 12, 6, 0, 0, 123456, tzinfo=UTC)


# What every client stored.
EVERYTHING = Reach(own=None)


def own(client: MachineClient = PAYROLL) -> Reach:
    """What the client stored."""
    return Reach(own=client.key)


def make_entry(entry_id: str | None = None, **changes: Any) -> Entry:
    """The tutorial's entry, with changes."""
    content = {
        "user_id": "007",
        "date": datetime(2017, 5, 10, 17, 40, 20, 95000, tzinfo=UTC),
        "project": "StoreZero",
        "hours": Decimal(5),
    }
    return Entry(**{**content, **changes}, entry_id=entry_id)


def ingest(*entries: Entry, client: MachineClient = PAYROLL) -> list[Verdict]:
    return ingest_upload(client, entries, RECEIVED_AT).verdicts


def list_outcomes(verdicts: list[Verdict]) -> list[Outcome]:
    return [verdict.outcome for verdict in verdicts]


def read_entry(timesheet_id: int) -> Entry:
    return to_entry(Timesheet.objects.get(pk=timesheet_id))


def to_entry(row: Timesheet) -> Entry:
    """The entry as a client may have sent it. Revision 1 need not be specified."""
    return Entry(
        user_id=row.user_id,
        date=row.date,
        project=row.project,
        hours=row.hours,
        entry_id=row.entry_id,
        revision=row.revision if row.revision > 1 else None,
        reason=row.reason,
    )
