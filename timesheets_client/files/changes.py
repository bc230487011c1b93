"""What --replace changes, and in which order."""

import json
import sys
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

from timesheets_client.files.entries import find_hours
from timesheets_client.network.messages import make_printable
from timesheets_client.reading.entries import InputEntry
from timesheets_client.sending.batches import encode_entry
from timesheets_client.sending.client import ApiClient
from timesheets_client.sending.corrections import describe_values, revise, withdraw
from timesheets_client.sending.stored_entries import StoredEntry
from timesheets_client.sending.verdicts import EntryVerdict
from timesheets_files.members import COLUMNS

ZERO = Decimal(0)
# Most hours repeat.
read_hours = lru_cache(4096)(Decimal)


class Change:
    """An entry to be sent, as its line of NDJSON, which takes less memory.

    `values` are old and new ones, safe to print. `loser` is the employee who loses `lowered` hours.
    """

    __slots__ = ("after", "before", "line", "loser", "lowered", "source", "values", "word")

    def __init__(
        self, word: str, entry: InputEntry, values: str, was: Mapping[str, str] | None = None
    ) -> None:
        """`was` has the four stored members; None if the entry is new."""
        self.word, self.source, self.line, self.values = word, entry.source, encode_entry(entry), values
        self.loser = sys.intern(was["user_id"]) if was else ""
        self.before = read_hours(was["hours"]) if was else ZERO
        self.after = read_hours(str(find_hours(entry.members) or ZERO))
        keeps = self.after if self.loser == entry.members["user_id"] else ZERO
        self.lowered = read_hours(str(max(ZERO, self.before - keeps)))

    def decode(self) -> InputEntry:
        return InputEntry(source=self.source, members=json.loads(self.line, parse_float=Decimal))

    def describe(self, mood: str = "") -> str:
        """As in `june.csv:17: corrected: 007, 2026-06-01, StoreZero, 7.5 -> 7 hours`."""
        return f"{self.source}: {mood}{self.word}: {self.values}"


def read_change(verdict: EntryVerdict, reason: str, client: ApiClient) -> Change:
    """The change that a dry run announces."""
    values = describe_values(verdict.entry.members, verdict.was or {}, client)
    if verdict.revision is None or verdict.was is None:
        return Change("created", verdict.entry, values)
    word = "corrected" if read_hours(verdict.was["hours"]) else "restored"
    return Change(word, revise(verdict.entry, verdict.revision, reason), values, verdict.was)


def make_withdrawal(row: StoredEntry, reason: str) -> Change:
    was = {name: make_printable(str(row.members[name])) for name in COLUMNS}
    values = f"{', '.join(was.values())} -> 0 hours"
    return Change("withdrawn", withdraw(row, f"timesheet {row.timesheet_id}", reason), values, was)


def order_changes(changes: list[Change], losses: Mapping[str, Decimal]) -> None:
    """First what an employee loses, then what is replaced, then what is new.

    In this order a killed run leaves no greater part to lose than it found, which the next run would refuse.
    """
    left = defaultdict(Decimal, losses)

    def rank(change: Change) -> float:
        """The smaller, the greater the part of the lowered hours that is a loss."""
        if not change.lowered:
            return 0
        part = min(change.lowered, left[change.loser])
        left[change.loser] -= part
        return -1 - float(part / change.lowered)

    changes.sort(key=rank)
