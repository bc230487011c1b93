"""What uploads and storage exchange: an entry, and what became of it."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from timesheets.trust.principals import ClientKey, MachineClient
from timesheets_files.limits import MAX_REVISION


class Entry(NamedTuple):
    """The hours of an employee on a project: `date` is aware, `hours` is at most 24.

    `revision` is None if the client did not specify it. From 2 on, it corrects the revision before it, has a
    `reason`, and its `hours` may be 0. Before, `hours` is above 0.
    """

    user_id: str
    date: datetime
    project: str
    hours: Decimal
    entry_id: str | None = None
    revision: int | None = None
    reason: str | None = None

    def has_content_of(self, other: "Entry") -> bool:
        """Compare all but identity and reason, by value: 5 equals 5.00, a date is the same in every zone."""
        return self[:4] == other[:4]


# A client, and its `entry_id`.
EntryKey = tuple[ClientKey, str]


class Arrival(NamedTuple):
    """An entry, the client that sent it, and when it arrived."""

    client: MachineClient
    received_at: datetime
    entry: Entry

    @property
    def key(self) -> EntryKey | None:
        """The identity of the entry, or None."""
        return None if self.entry.entry_id is None else (self.client.key, self.entry.entry_id)


class Outcome(enum.StrEnum):
    """The verdicts that the metrics count. The last three can be decided without the database."""

    CREATED = enum.auto()
    # The current row, or the row of the sent revision, has the same content.
    EXISTING = enum.auto()
    # Only an older row has the same content. It stays superseded.
    SUPERSEDED = enum.auto()
    # The `entry_id`, or its sent revision, already exists with different content, which does not change.
    CONFLICT = enum.auto()
    # The revision before the sent one does not exist.
    REVISION_GAP = enum.auto()
    # The entry corrects an `entry_id` that does not exist.
    UNKNOWN_ENTRY = enum.auto()
    # The next three are for entries that state what is current.
    NOTHING_TO_WITHDRAW = enum.auto()
    REASON_MISSING = enum.auto()
    TOO_MANY_REVISIONS = enum.auto()
    # The client may not add these hours.
    OUTSIDE_WINDOW = enum.auto()
    NOT_ASSIGNED = enum.auto()
    INVALID = enum.auto()
    INSUFFICIENT_SCOPE = enum.auto()
    REFUSED_WITH_BATCH = enum.auto()


# The entry is stored, now or before.
ACCEPTED = frozenset({Outcome.CREATED, Outcome.EXISTING, Outcome.SUPERSEDED})
_OF_NO_ROW = frozenset({Outcome.NOTHING_TO_WITHDRAW, Outcome.REASON_MISSING, Outcome.INSUFFICIENT_SCOPE})


class Verdict(NamedTuple):
    """The outcome of an entry.

    `timesheet_id` is the new row, the equal one, or the one that the entry conflicts with; for a gap, the
    current row; if no row decides, 0. `supersedes` and `superseded_by` are ids, too.
    `current_revision` says which revision of the `entry_id` is current, for a caller that did not expect it.
    `corrects` is the superseded row, for a caller that did not say which one it corrects.
    `refused_member` is why the client may not add the entry.
    """

    outcome: Outcome
    timesheet_id: int
    supersedes: int | None = None
    superseded_by: int | None = None
    current_revision: int | None = None
    corrects: "StoredRevision | None" = None
    refused_member: str = ""


@dataclass(slots=True)
class StoredRevision:
    """A row: its id and its content. Until it is inserted, the id is 0."""

    timesheet_id: int
    entry: Entry

    @property
    def revision(self) -> int:
        return self.entry.revision or 1


def compare(entry: Entry, revisions: Sequence[StoredRevision]) -> Verdict:
    """The verdict of an entry whose `entry_id` has these revisions, in order, so it is not the next one."""
    current = revisions[-1]
    if entry.revision is None:
        equal = next((row for row in reversed(revisions) if entry.has_content_of(row.entry)), None)
        if equal is None:
            return _conflict(current.timesheet_id, current)
        if equal is not current:
            verdict = Verdict(Outcome.SUPERSEDED, equal.timesheet_id, current_revision=len(revisions))
            return verdict._replace(superseded_by=revisions[equal.revision].timesheet_id)
        return Verdict(Outcome.EXISTING, current.timesheet_id)
    if entry.revision > len(revisions):
        return Verdict(Outcome.REVISION_GAP, current.timesheet_id, current_revision=len(revisions))
    row = revisions[entry.revision - 1]
    if entry.has_content_of(row.entry) and entry.reason == row.entry.reason:
        return Verdict(Outcome.EXISTING, row.timesheet_id)
    return _conflict(row.timesheet_id, current)


def judge_as_current(entry: Entry, current: Entry | None, *, is_decided: bool, may_correct: bool) -> Outcome:
    """The outcome of an entry that states what is current. What is created is still to be stored.

    `is_decided` if an earlier entry of the upload states the same or something else, and was accepted.
    """
    if current is None:
        return Outcome.CREATED if entry.hours else Outcome.NOTHING_TO_WITHDRAW
    if entry.has_content_of(current):
        return Outcome.EXISTING
    if is_decided:
        return Outcome.CONFLICT
    if entry.reason is None:
        return Outcome.REASON_MISSING
    if not may_correct:
        return Outcome.INSUFFICIENT_SCOPE
    return Outcome.CREATED if (current.revision or 1) < MAX_REVISION else Outcome.TOO_MANY_REVISIONS


def describe_as_current(
    outcome: Outcome, before: StoredRevision | None, row: StoredRevision | None
) -> Verdict:
    """The verdict with this outcome. The upload found the row `before` and left the current `row`."""
    if row is None or outcome in _OF_NO_ROW:
        return Verdict(outcome=outcome, timesheet_id=0)
    if outcome is Outcome.CONFLICT:
        return _conflict(row.timesheet_id, row)
    verdict = Verdict(outcome=outcome, timesheet_id=row.timesheet_id)
    if outcome is Outcome.TOO_MANY_REVISIONS:
        return verdict._replace(current_revision=row.revision)
    if outcome is Outcome.CREATED and before is not None:
        return verdict._replace(supersedes=before.timesheet_id, corrects=before)
    return verdict


def _conflict(timesheet_id: int, current: StoredRevision) -> Verdict:
    current_revision = current.revision if current.revision > 1 else None
    return Verdict(outcome=Outcome.CONFLICT, timesheet_id=timesheet_id, current_revision=current_revision)
