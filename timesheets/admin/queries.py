"""What a list of entries asks the database, whatever the number of its rows."""

from typing import Any

from django.db.models import Count, Max, Min, QuerySet, Sum
from django.utils.functional import cached_property

from timesheets.models import Timesheet
from timesheets.storage.rows import is_in_state
from timesheets.storage.verdicts import State

# Whether a row is superseded takes an index access for each, so a million would take seconds.
MAX_TOTALED = 100_000


class SummarizedTimesheets(QuerySet[Timesheet]):
    """Timesheets that are counted once, and whose current ones can be added up."""

    @cached_property
    def _summary(self) -> dict[str, int]:
        # The ids cost a list of everything a fifth of its time, which has no use for them.
        ids = {"first_id": Min("pk", default=0), "last_id": Max("pk", default=0)} if self.query.where else {}
        return self.aggregate(count=Count("*"), **ids)

    def count(self) -> int:
        return self._summary["count"]

    def add_up_current(self) -> dict[str, Any] | None:
        """`hours`, `entries` and `employees` of the current ones; None if there are more than MAX_TOTALED."""
        if self.count() > MAX_TOTALED:
            return None
        current = self.filter(is_in_state(State.CURRENT)).order_by()
        if self.query.where:
            # Entries arrive about in the order of their dates, so those of a month are next to each other.
            current = current.filter(pk__range=(self._summary["first_id"], self._summary["last_id"]))
        # PostgreSQL would sort the rows for a COUNT(DISTINCT).
        by_employee = current.values("user_id").annotate(entry_count=Count("*"), sum=Sum("hours"))
        return by_employee.aggregate(
            hours=Sum("sum", default=0), entries=Sum("entry_count", default=0), employees=Count("*")
        )
