"""What a list of entries asks the database, whatever the number of its rows."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.functional import cached_property

from timesheets.models import Timesheet
from timesheets.storage.verdicts import State

# Whether a row is superseded takes an index access for each, so a million would take seconds.
MAX_TOTALED = 100_000


def is_in_state(state: State) -> Q:
    """The condition on a row. Revisions have no gaps."""
    # The database can look for one revision in an index, or read those few that are not the first.
    later = Timesheet.objects.filter(
        client=OuterRef("client"),
        entry_id=OuterRef("entry_id"),
        revision=OuterRef("revision") + 1,
        revision__gt=1,
    )
    if state is State.SUPERSEDED:
        return Q(Exists(later))
    return ~Q(Exists(later)) & (Q(hours=0) if state is State.WITHDRAWN else ~Q(hours=0))


@dataclass(frozen=True, kw_only=True, slots=True)
class SelectionTotals:
    """What current entries add up to."""

    entries: int
    employees: int
    hours: Decimal


class SummarizedTimesheets(QuerySet[Timesheet]):
    """Timesheets with a count, a first date and a last date that one statement reads, once.

    Django's list runs several statements for these, and each scans every row. On SQLite, Django's search
    for the years, months and days that have entries even calls a Python function for each row. This class
    returns all that lie between the first date and the last.
    """

    @cached_property
    def _summary(self) -> dict[str, Any]:
        # They cost a list of everything a fifth of its time, which has no use for them.
        ids = {"first_id": Min("pk"), "last_id": Max("pk")} if self.query.where else {}
        return super().aggregate(count=Count("*"), first=Min("date"), last=Max("date"), **ids)

    def count(self) -> int:
        return int(self._summary["count"])

    def aggregate(self, *_: Any, **requested: Any) -> dict[str, Any]:
        """Return what the date hierarchy requests: `first` and `last`."""
        return {name: self._summary[name] for name in requested}

    def datetimes(self, _field: str, kind: str, *_: Any, **__: Any) -> list[date]:  # type: ignore[override]
        """Return the first day of each year; of each month, within a year; or every day, within a month."""
        if not self.count():
            return []
        first, last = (timezone.localtime(self._summary[name]).date() for name in ("first", "last"))
        if kind == "year":
            return [date(year, 1, 1) for year in range(first.year, last.year + 1)]
        if kind == "month":
            return [first.replace(month=month, day=1) for month in range(first.month, last.month + 1)]
        return [first.replace(day=day) for day in range(first.day, last.day + 1)]

    def totals(self) -> SelectionTotals | None:
        """Those of the current ones among them; None if there are more than MAX_TOTALED timesheets."""
        if self.count() > MAX_TOTALED:
            return None
        if not self.count():
            return SelectionTotals(entries=0, employees=0, hours=Decimal())
        current = self.filter(is_in_state(State.CURRENT)).order_by()
        if self.query.where:
            # Entries arrive about in the order of their dates, so those of a month are next to each other.
            current = current.filter(pk__range=(self._summary["first_id"], self._summary["last_id"]))
        # PostgreSQL would sort the rows for a COUNT(DISTINCT).
        employees = current.values("user_id").annotate(entry_count=Count("*"), sum=Sum("hours"))
        found = QuerySet.aggregate(
            employees, entries=Sum("entry_count"), employees=Count("*"), hours=Sum("sum")
        )
        return SelectionTotals(
            entries=found["entries"] or 0, employees=found["employees"], hours=found["hours"] or Decimal()
        )
