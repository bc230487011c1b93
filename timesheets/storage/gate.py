"""Judge hours that an upload would add: is their day in the window, and are they assigned to the client?"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from timesheets.storage.assignments import Assignments
from timesheets.storage.entries import Entry, Outcome, Verdict
from timesheets_files.limits import FIRST_YEAR, LAST_YEAR

# A list with an empty cell matches any number of employees and projects.
MAX_REMEMBERED_PAIRS = 10_000
# Whatever the zone, a day begins and ends within one day of its begin and end in UTC.
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """The limits of what one upload may add. Without `assignments`, any employee; without days, any day."""

    zone: tzinfo
    assignments: Assignments | None
    first_day: date
    last_day: date
    # By employee and project: moments between which every entry is inside. Most entries need no more.
    inside: dict[tuple[str, str], tuple[datetime, datetime]] = field(default_factory=dict)

    def refuse(self, entry: Entry, before: Entry | None = None) -> Verdict | None:
        """The verdict of an entry that may not be added; None if it may.

        `before` is the revision that it corrects. A correction that adds nothing is not judged.
        """
        moments = self.inside.get((entry.user_id, entry.project))
        if moments is not None and moments[0] <= entry.date < moments[1]:
            return None
        if not entry.hours or (before is not None and self._adds_nothing(entry, before)):
            return None
        day = self._find_day(entry)
        if not self.first_day <= day <= self.last_day:
            return Verdict(outcome=Outcome.OUTSIDE_WINDOW, timesheet_id=0, refused_member="date")
        period = (date.min, date.max)
        if self.assignments is not None:
            found = self.assignments.find_period(entry.user_id, entry.project, day)
            if found is None:
                member = self.assignments.find_fault(entry.user_id, entry.project, day) or ""
                return Verdict(outcome=Outcome.NOT_ASSIGNED, timesheet_id=0, refused_member=member)
            period = found
        if len(self.inside) < MAX_REMEMBERED_PAIRS:
            self.inside[entry.user_id, entry.project] = self._find_moments(*period)
        return None

    def _find_moments(self, first: date, last: date) -> tuple[datetime, datetime]:
        begin = max(first, self.first_day, date(FIRST_YEAR, 1, 1) - _ONE_DAY)
        end = min(last, self.last_day, date(LAST_YEAR, 12, 31) + _ONE_DAY)
        return datetime.combine(begin, time(), UTC) + _ONE_DAY, datetime.combine(end, time(), UTC)

    def _adds_nothing(self, entry: Entry, before: Entry) -> bool:
        return (
            entry.hours <= before.hours
            and (entry.user_id, entry.project) == (before.user_id, before.project)
            and self._find_day(entry) == self._find_day(before)
        )

    def _find_day(self, entry: Entry) -> date:
        return entry.date.astimezone(self.zone).date()
