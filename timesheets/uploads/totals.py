"""Control totals: compare what a caller announced with what arrived."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from timesheets.exceptions import ControlTotalsDiffer
from timesheets.serializers import read_hours, represent_total
from timesheets.storage.entries import Entry


class FoundTotals(NamedTuple):
    """The totals of an upload, whether or not its entries are valid."""

    entries: int
    hours: Decimal


class ExpectedTotals(NamedTuple):
    """The totals that the caller announced, None where it announced nothing."""

    entries: int | None = None
    hours: Decimal | None = None


def add_up(values: Sequence[Any], entries: Sequence[Entry | Any]) -> FoundTotals:
    """The totals of a parser's `values`. Where one is valid, `entries` has its entry.

    All `hours` count that are valid by themselves, whatever else is wrong with their entry.
    """
    hours = sum(
        entry.hours if isinstance(entry, Entry) else read_hours(value)
        for value, entry in zip(values, entries, strict=True)
    )
    return FoundTotals(entries=len(values), hours=Decimal(hours))


def require_totals(expected: ExpectedTotals, found: FoundTotals) -> None:
    """Raise ControlTotalsDiffer."""
    if expected.entries in (None, found.entries) and expected.hours in (None, found.hours):
        return
    announced: dict[str, Any] = {}
    if expected.entries is not None:
        announced["entries"] = expected.entries
    if expected.hours is not None:
        announced["hours"] = represent_total(expected.hours)
    contained = {"entries": found.entries, "hours": represent_total(found.hours)}
    raise ControlTotalsDiffer(expected=announced, found=contained)
