"""What --replace changes, in which order, and what that adds up to."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from timesheets_client.files.control_totals import find_hours, show
from timesheets_client.network.messages import make_printable
from timesheets_client.output.tables import format_table
from timesheets_client.reading.entries import InputEntry
from timesheets_client.sending.corrections import describe_values, revise
from timesheets_client.sending.stored_entries import StoredEntry
from timesheets_client.sending.verdicts import EntryVerdict
from timesheets_files.members import COLUMNS, ENTRY_ID

ZERO = Decimal(0)
WORDS = ("created", "corrected", "restored", "withdrawn")


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """An entry to be sent. `was` has the four stored members, safe to print; None if it is new."""

    word: str
    entry: InputEntry
    was: Mapping[str, str] | None = None

    @property
    def before(self) -> Decimal:
        return Decimal(self.was["hours"]) if self.was else ZERO

    @property
    def after(self) -> Decimal:
        return find_hours(self.entry.members) or ZERO

    @property
    def lowered(self) -> Decimal:
        """How many hours the employee of the stored entry loses; 0 if none."""
        keeps = self.was and self.was["user_id"] == self.entry.members["user_id"]
        return max(ZERO, self.before - self.after if keeps else self.before)

    def describe(self, mood: str = "") -> str:
        """As in `june.csv:17: corrected: 007, 2026-06-01, StoreZero, 7.5 -> 7 hours`."""
        return f"{self.entry.source}: {mood}{self.word}: {describe_values(self.entry.members, self.was)}"


def read_change(verdict: EntryVerdict, reason: str) -> Change:
    """The change that a dry run announces."""
    if verdict.revision is None:
        return Change(word="created", entry=verdict.entry)
    change = Change(word="corrected", entry=revise(verdict.entry, verdict.revision, reason), was=verdict.was)
    return change if change.before else replace(change, word="restored")


def withdraw(row: StoredEntry, reason: str) -> Change:
    entry = InputEntry(
        source=f"timesheet {row.timesheet_id}", members={**row.members, "hours": 0, ENTRY_ID: row.entry_id}
    )
    # Most values repeat.
    was = {name: sys.intern(make_printable(str(row.members[name]))) for name in COLUMNS}
    return Change(word="withdrawn", entry=revise(entry, row.revision + 1, reason), was=was)


def order_changes(changes: Sequence[Change], losses: Mapping[str, Decimal]) -> Sequence[Change]:
    """First what an employee loses, then what is replaced, then what is new.

    In this order a killed run leaves no greater part to lose than it found, which the next run would refuse.
    """
    left = dict(losses)

    def rank(change: Change) -> tuple[Decimal, Decimal]:
        """Which part of the hours is a loss, and the hours; both negative."""
        if not change.lowered or change.was is None:
            return ZERO, ZERO
        user = change.was["user_id"]
        part = min(change.lowered, left.get(user, ZERO))
        left[user] = left.get(user, ZERO) - part
        return -part / change.lowered, -change.lowered

    # Sorting by `rank` calls it in the order of the hours, so that only one entry is a loss in part.
    return sorted(sorted(changes, key=lambda each: each.lowered), key=rank)


def describe_sums(changes: Sequence[Change], unchanged: int, file: Mapping[str, Decimal]) -> Sequence[str]:
    """A table of the changes, and of what stays. `file` has the hours of each employee."""
    rows = []
    for word in WORDS:
        found = [each for each in changes if each.word == word]
        rows.append(
            (word, len(found), sum_up(each.before for each in found), sum_up(each.after for each in found))
        )
    kept = sum_up(file.values()) - sum_up(after for *_, after in rows)
    rows.append(("unchanged", unchanged, kept, kept))
    rows.append(("all", *(sum(column) for column in list(zip(*rows, strict=True))[1:])))
    names = ("entries", "hours before", "hours after")
    return format_table(
        [
            {"": word, **dict(zip(names, (str(count), show(before), show(after)), strict=True))}
            for word, count, before, after in rows
        ],
        names,
    )


def sum_up(hours: Iterable[Decimal]) -> Decimal:
    return sum(hours, ZERO)
