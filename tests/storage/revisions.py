"""What storage must answer, and keep, as a model: lists of revisions instead of a database."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from timesheets.storage.entries import Entry, Outcome, Verdict


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row. Its entry has a revision."""

    row_id: int
    entry: Entry


@dataclass(kw_only=True)
class Model:
    """The rows of one client. Their ids are 1, 2, 3 and so on, in the order of creation."""

    last_id: int = 0
    # By `entry_id`, in order of revision. Rows without an `entry_id` are no revisions of each other.
    revisions: dict[str | None, list[Row]] = field(default_factory=lambda: defaultdict(list))

    @property
    def rows(self) -> dict[int, Entry]:
        rows = [row for revisions in self.revisions.values() for row in revisions]
        return {row.row_id: row.entry for row in sorted(rows, key=lambda row: row.row_id)}

    def ingest(self, entries: Sequence[Entry]) -> list[Verdict]:
        """The verdicts on one upload, in the order of its entries."""
        # Stable, so entries without a revision and with revision 1 stay in their order, like equal revisions.
        order = sorted(range(len(entries)), key=lambda position: entries[position].revision or 1)
        verdicts = {position: self._judge(entries[position]) for position in order}
        return [verdicts[position] for position in range(len(entries))]

    def _judge(self, entry: Entry) -> Verdict:
        stored = self.revisions[entry.entry_id] if entry.entry_id is not None else []
        if not stored:
            is_first = (entry.revision or 1) == 1
            return self._create(entry) if is_first else Verdict(outcome=Outcome.UNKNOWN_ENTRY, timesheet_id=0)
        if entry.revision is None:
            return self._judge_unspecified(entry, stored)
        return self._judge_revision(entry, entry.revision, stored)

    def _create(self, entry: Entry, supersedes: int | None = None) -> Verdict:
        self.last_id += 1
        row = Row(row_id=self.last_id, entry=entry._replace(revision=entry.revision or 1))
        self.revisions[entry.entry_id].append(row)
        return Verdict(outcome=Outcome.CREATED, timesheet_id=row.row_id, supersedes=supersedes)

    def _judge_unspecified(self, entry: Entry, stored: Sequence[Row]) -> Verdict:
        equal = [row for row in stored if _read_content(row.entry) == _read_content(entry)]
        if not equal:
            return _conflict(stored[-1], stored)
        if equal[-1] is stored[-1]:
            return Verdict(outcome=Outcome.EXISTING, timesheet_id=equal[-1].row_id)
        return Verdict(
            outcome=Outcome.SUPERSEDED,
            timesheet_id=equal[-1].row_id,
            superseded_by=stored[stored.index(equal[-1]) + 1].row_id,
            current_revision=len(stored),
        )

    def _judge_revision(self, entry: Entry, revision: int, stored: Sequence[Row]) -> Verdict:
        if revision == len(stored) + 1:
            return self._create(entry, supersedes=stored[-1].row_id)
        if revision > len(stored):
            return Verdict(
                outcome=Outcome.REVISION_GAP, timesheet_id=stored[-1].row_id, current_revision=len(stored)
            )
        row = stored[revision - 1]
        if (_read_content(row.entry), row.entry.reason) == (_read_content(entry), entry.reason):
            return Verdict(outcome=Outcome.EXISTING, timesheet_id=row.row_id)
        return _conflict(row, stored)


def _read_content(entry: Entry) -> tuple[object, ...]:
    return (entry.user_id, entry.date, entry.project, entry.hours)


def _conflict(row: Row, stored: Sequence[Row]) -> Verdict:
    current_revision = len(stored) if len(stored) > 1 else None
    return Verdict(outcome=Outcome.CONFLICT, timesheet_id=row.row_id, current_revision=current_revision)
