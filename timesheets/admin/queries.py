"""What a list of entries asks the database: each row is read once."""

from datetime import date
from typing import Any

from django.db.models import Count, Max, Min, QuerySet
from django.utils import timezone
from django.utils.functional import cached_property

from timesheets.models import Timesheet


class SummarizedTimesheets(QuerySet[Timesheet]):
    """Timesheets with a count, a first date and a last date that one statement reads, once.

    Django's list runs several statements for these, and each scans every row. On SQLite, Django's search
    for the years, months and days that have entries even calls a Python function for each row. This class
    returns all that lie between the first date and the last.
    """

    @cached_property
    def _summary(self) -> dict[str, Any]:
        return super().aggregate(count=Count("*"), first=Min("date"), last=Max("date"))

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
