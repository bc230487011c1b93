"""The value that uploads and storage exchange: one timesheet entry."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """The hours of an employee on a project: `date` is aware, `hours` is above 0 and at most 24.

    Entries are compared by value, with their `entry_id`: 5 equals 5.00, and a date is the same in every zone.
    """

    user_id: str
    date: datetime
    project: str
    hours: Decimal
    entry_id: str | None = None
