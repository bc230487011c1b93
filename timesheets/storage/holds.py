"""Which hours a run holds: they are shown, but not paid. Knows no HTTP."""

import json
from collections.abc import Sequence
from typing import BinaryIO, NamedTuple

from timesheets.models import Timesheet
from timesheets.storage.policy_files import find_text_faults, read_policy
from timesheets.storage.run_statements import one_run_at_a_time


class Hold(NamedTuple):
    """An empty organization means all of the client's, and an empty employee everyone."""

    client: str
    organization: str
    user_id: str
    reason: str


class Holds:
    """Answers, for holds of any number, whether a line is held."""

    def __init__(self, rows: Sequence[Hold] = ()) -> None:
        # The same for the same set of rows.
        self.text = json.dumps(sorted(set(rows)))
        self._first: dict[tuple[str, ...], tuple[int, str]] = {}
        for number, hold in enumerate(rows):
            self._first.setdefault(hold[:3], (number, hold.reason))

    def find_reason(self, client: str, organization: str, user_id: str) -> str | None:
        """The reason of the first row that fits, if possible of one with the employee; None if none fits."""
        for name in (user_id, "") if self._first else ():
            keys = ((client, each, name) for each in (organization, ""))
            if found := [self._first[key] for key in keys if key in self._first]:
                return min(found)[1]
        return None


def read_holds(file: BinaryIO) -> Holds:
    """The holds in a CSV file. Raises PolicyFileWrong with all errors."""
    people = Timesheet.objects.values_list("client__client_id", "client__organization", "user_id").distinct()
    # Reading everybody's names may take long, and this also lifts the time limits of PostgreSQL.
    with one_run_at_a_time():
        known = {
            (client, one_or_all, name)
            for client, organization, user_id in people
            for one_or_all in (organization, "")
            for name in (user_id, "")
        }

    def read_row(cells: dict[str, str]) -> tuple[Hold, list[str]]:
        hold = Hold(**{name: cells.get(name, "") for name in Hold._fields})
        faults = list(find_text_faults({"reason": hold.reason}))
        if not hold.reason:
            faults.append("reason: is empty")
        # A misspelled hold would pay.
        if (hold.client, hold.organization, "") not in known:
            faults.append("client: has no entries with this id and organization")
        elif hold[:3] not in known:
            faults.append("user_id: has no entries of this client")
        return hold, faults

    return Holds(read_policy(file, Hold._fields, read_row, required=("client", "user_id", "reason")))
