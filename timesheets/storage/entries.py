"""The values that uploads and storage exchange: a timesheet entry, and its arrival."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from timesheets.trust.principals import ClientKey, MachineClient


class Entry(NamedTuple):
    """The hours of an employee on a project: `date` is aware, `hours` is at most 24.

    `revision` is None if the client did not specify it. From 2 on, it corrects the revision before it, has a
    `reason`, and its `hours` may be 0. Before, `hours` is above 0.
    """

    user_id: str
    date: datetime
    project: str
    hours: Decimal
    entry_id: str | None = None
    revision: int | None = None
    reason: str | None = None

    def has_content_of(self, other: "Entry") -> bool:
        """Compare all but identity and reason, by value: 5 equals 5.00, a date is the same in every zone."""
        return self[:4] == other[:4]


# A client, and its `entry_id`.
EntryKey = tuple[ClientKey, str]


class Arrival(NamedTuple):
    """An entry, the client that sent it, and when it arrived."""

    client: MachineClient
    received_at: datetime
    entry: Entry

    @property
    def key(self) -> EntryKey | None:
        """The identity of the entry, or None."""
        if self.entry.entry_id is None:
            return None
        return (self.client.key, self.entry.entry_id)
