"""Judge hours that an upload would add: is their day in the window, and are they assigned to the client?"""

from dataclasses import dataclass
from datetime import date, tzinfo

from timesheets.storage.assignments import Assignments
from timesheets.storage.entries import Entry
from timesheets.storage.verdicts import Outcome, Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """What one upload may add. Without `assignments`, hours for everybody; without days, on every day."""

    zone: tzinfo
    assignments: Assignments | None
    first_day: date
    last_day: date

    def refuse(self, entry: Entry, before: Entry | None = None) -> Verdict | None:
        """The verdict of an entry that may not be added; None if it may.

        `before` is the revision that it corrects. A correction that adds nothing is not judged.
        """
        if not entry.hours or (before is not None and self._adds_nothing(entry, before)):
            return None
        day = self._find_day(entry)
        if not self.first_day <= day <= self.last_day:
            return Verdict(outcome=Outcome.OUTSIDE_WINDOW, timesheet_id=0, refused_member="date")
        if self.assignments is None:
            return None
        member = self.assignments.find_fault(entry.user_id, entry.project, day)
        if member is None:
            return None
        return Verdict(outcome=Outcome.NOT_ASSIGNED, timesheet_id=0, refused_member=member)

    def _adds_nothing(self, entry: Entry, before: Entry) -> bool:
        return (
            entry.hours <= before.hours
            and (entry.user_id, entry.project) == (before.user_id, before.project)
            and self._find_day(entry) == self._find_day(before)
        )

    def _find_day(self, entry: Entry) -> date:
        return entry.date.astimezone(self.zone).date()
