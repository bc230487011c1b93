"""Group the entries of a page by day, and add up what counts. Knows neither HTTP nor templates."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from zoneinfo import ZoneInfo

from timesheets.storage.queries import StoredEntry
from timesheets.storage.verdicts import State

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class CountedHours:
    """The hours and the number of the entries that count, and the number of those that do not."""

    hours: Decimal
    counted: int
    uncounted: int


def parse_day(value: str) -> date | None:
    """The day; None if it is anything else, such as a day that no calendar has."""
    try:
        day = date.fromisoformat(value) if _DAY.fullmatch(value) else None
    except ValueError:
        return None
    # The first day of the calendar has none before it.
    return day if day and day > date.min else None


def add_up(entries: Sequence[StoredEntry]) -> CountedHours:
    """The totals of the entries. Hours that were superseded or withdrawn count for nothing."""
    counted = [stored.entry.hours for stored in entries if stored.state is State.CURRENT]
    return CountedHours(
        hours=sum(counted, Decimal()), counted=len(counted), uncounted=len(entries) - len(counted)
    )


def group_by_day(
    entries: Sequence[StoredEntry], zone: ZoneInfo, *, is_part: bool
) -> Sequence[tuple[date, Sequence[StoredEntry]]]:
    """The entries of each day in the zone, in the order in which they were given. The newest day is first.

    A part of a list keeps its order, because its days go on in other parts: so a day may occur again.
    """

    def find_day(stored: StoredEntry) -> date:
        return stored.entry.date.astimezone(zone).date()

    ordered = entries if is_part else sorted(entries, key=find_day, reverse=True)
    return [(day, list(found)) for day, found in groupby(ordered, find_day)]
