"""Group the entries of a page by day, and add up what counts. Knows neither HTTP nor templates."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from timesheets.storage.queries import StoredEntry


@dataclass(frozen=True, kw_only=True)
class Totals:
    """The hours and the number of the entries that count, and the number of those that do not."""

    hours: Decimal
    counted: int
    uncounted: int


@dataclass(frozen=True, kw_only=True)
class Day:
    """The entries of one day, in the order in which they were given."""

    date: date
    entries: Sequence[StoredEntry]

    @property
    def totals(self) -> Totals:
        return add_up(self.entries)

    @property
    def week(self) -> str:
        """The week as ISO 8601 writes it, such as 2017-W19."""
        year, week, _ = self.date.isocalendar()
        return f"{year}-W{week:02}"


def counts(stored: StoredEntry) -> bool:
    """Whether the entry is current: neither superseded nor withdrawn."""
    return stored.superseded_by is None and bool(stored.entry.hours)


def add_up(entries: Sequence[StoredEntry]) -> Totals:
    """The totals of the entries. Hours that were superseded or withdrawn count for nothing."""
    counted = [stored.entry.hours for stored in entries if counts(stored)]
    return Totals(hours=sum(counted, Decimal()), counted=len(counted), uncounted=len(entries) - len(counted))


def group_by_day(entries: Iterable[StoredEntry], zone: ZoneInfo) -> list[Day]:
    """The days of the entries in the zone, the newest first."""
    by_date: dict[date, list[StoredEntry]] = {}
    for stored in entries:
        by_date.setdefault(stored.entry.date.astimezone(zone).date(), []).append(stored)
    return [Day(date=day, entries=by_date[day]) for day in sorted(by_date, reverse=True)]
