"""An independent model of runs, and what the tests of runs share."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from io import StringIO
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from timesheets.models import Run
from timesheets.storage.entries import Entry
from timesheets.storage.runs import Holds, Write, add_run
from timesheets.trust.principals import ClientKey

MAY = date(2017, 5, 31)


def pay(label: str, through: object, *options: object) -> str:
    """What the command prints."""
    output = StringIO()
    call_command("payroll", label, "--through", str(through), *map(str, options), stdout=output)
    return output.getvalue()


def refuse(label: str, through: object, *options: object) -> tuple[int, str]:
    """The status and the message with which the command refuses."""
    with pytest.raises(CommandError) as refused:
        pay(label, through, *options)
    return refused.value.returncode, str(refused.value)


def add(label: str, write: Write = lambda _: None) -> Run:
    """Add a run beside others, in this thread."""
    run = Run(label=label, through=MAY, created_at=timezone.now(), time_zone="UTC")
    try:
        return add_run(run, Holds(), write, dry_run=False)
    finally:
        connections.close_all()


class Key(NamedTuple):
    client: ClientKey
    user_id: str
    day: date
    project: str


class Hold(NamedTuple):
    client: str
    organization: str
    user_id: str
    reason: str

    def fits(self, key: Key) -> bool:
        return (
            self.client == key.client.client_id
            and self.organization in ("", key.client.organization)
            and self.user_id in ("", key.user_id)
        )


class PaidLine(NamedTuple):
    key: Key
    hours: Decimal
    paid_before: Decimal
    pays: Decimal
    kind: str
    held: str | None


@dataclass
class Payroll:
    """Rows as they were stored, and what runs paid of them."""

    zone: ZoneInfo
    rows: list[tuple[int, ClientKey, Entry]] = field(default_factory=list)
    runs: list[tuple[int, date, Sequence[PaidLine]]] = field(default_factory=list)

    def find_current(self, as_of: int) -> Mapping[Key, Decimal]:
        """The hours of each key when this id was the last one."""
        # Later revisions replace earlier ones.
        entries = {
            (client, entry.entry_id or row_id): entry
            for row_id, client, entry in self.rows
            if row_id <= as_of
        }
        hours: dict[Key, Decimal] = defaultdict(Decimal)
        for (client, _), entry in entries.items():
            day = entry.date.astimezone(self.zone).date()
            hours[Key(client, entry.user_id, day, entry.project)] += entry.hours
        return hours

    def find_paid(self) -> Mapping[Key, Sequence[Decimal]]:
        paid = defaultdict(list)
        for *_, lines in self.runs:
            for line in lines:
                if line.held is None:
                    paid[line.key].append(line.pays)
        return paid

    def work_out(self, through: date, as_of: int, holds: Sequence[Hold]) -> list[PaidLine]:
        current, paid = self.find_current(as_of), self.find_paid()
        latest = max((each for _, each, _ in self.runs), default=date.min)
        lines = []
        for key in {*current, *paid}:
            hours, paid_before = current.get(key, Decimal(0)), sum(paid.get(key, []), Decimal(0))
            if key.day <= through and hours != paid_before:
                fitting = [hold for hold in holds if hold.fits(key)]
                fitting.sort(key=lambda hold: not hold.user_id)
                kind = "correction" if paid.get(key) else "late" if key.day <= latest else "new"
                held = fitting[0].reason if fitting else None
                lines.append(PaidLine(key, hours, paid_before, hours - paid_before, kind, held))
        return sorted(
            lines,
            key=lambda line: (line.key.client.client_id, line.key.client.organization, *line.key[1:]),
        )
