"""The value that everything turns on: an entry."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What an employee worked on a project: `date` is aware of its zone, `hours` above 0 and at most 24.

    Two entries are equal when their contents and `entry_id`s are, by value: 5 hours are 5.00 hours, and a
    moment is the same in every zone.
    """

    user_id: str
    date: datetime
    project: str
    hours: Decimal
    entry_id: str | None = None
