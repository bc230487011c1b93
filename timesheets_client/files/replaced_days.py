"""What a file and the API have on the days that --replace names, and what is to be changed."""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from timesheets_client.errors import ConfigurationError, EntriesRejected
from timesheets_client.files.entries import Totals, find_hours
from timesheets_client.files.tally import Tally, describe_values
from timesheets_client.network.messages import make_printable
from timesheets_client.reading.entries import InputEntry
from timesheets_client.reading.identity import strip_text
from timesheets_client.sending.batches import encode_entry
from timesheets_client.sending.client import ApiClient
from timesheets_client.sending.stored_entries import PAGE_SIZE, StoredEntry, find_latest_state, list_state
from timesheets_client.sending.verdicts import EntryVerdict
from timesheets_files.members import COLUMNS, ENTRY_ID

ZERO = Decimal(0)
MAX_NAMED = 20
DATE_LENGTH = len("2026-06-03")
# Most hours repeat.
read_hours = lru_cache(4096)(Decimal)


class ReplacedDays:
    """Adds up the hours of each employee: in the `file`, and those `found` in the API."""

    def __init__(self, first: str, last: str, client: ApiClient) -> None:
        self._first, self._last, self._client = first, last, client
        self._ids: set[str] = set()
        self.file: dict[str, Decimal] = defaultdict(Decimal)
        self.found: dict[str, Totals] = defaultdict(Totals)

    def take(self, entries: Iterable[InputEntry], tally: Tally) -> Iterator[InputEntry]:
        """The entries of the file that are on these days. Rejects the others."""
        for entry in entries:
            if reason := self._find_fault(str(entry.members.get("date"))):
                tally.reject(entry.reject({"date": [reason]}))
                continue
            user = str(strip_text(entry.members.get("user_id")))
            self.file[user] += find_hours(entry.members) or ZERO
            self._ids.add(str(strip_text(entry.members[ENTRY_ID])))
            yield entry

    def _find_fault(self, time: str) -> str:
        shown = time[:DATE_LENGTH]
        if not self._first <= shown <= self._last:
            return f"This is not one of the days from {self._first} to {self._last}."
        if time == shown or self._find_day(time) == shown:
            return ""
        return "In the API's time zone this is another day. Send only the date."

    def _find_day(self, time: str) -> str:
        """The day on which the API counts a time."""
        zone = self._client.time_zone
        if zone is None:
            raise ConfigurationError(
                "--replace: nothing was stored, because the file has times, and this API does not say in "
                "which time zone it counts their days; send only the dates"
            )
        try:
            return str(datetime.fromisoformat(time.upper()).astimezone(zone).date())
        except (ValueError, OverflowError):
            # The API refuses it.
            return time[:DATE_LENGTH]

    def find_surplus(self) -> Iterator[StoredEntry]:
        """Return stored entries of the file's employees that are not in the file.

        Raises EntriesRejected at the end if there are entries that cannot be matched.
        """
        nameless = []
        until = (date.fromisoformat(self._last) + timedelta(days=1)).isoformat()
        state = find_latest_state(self._client)
        pages = list_state(self._client, as_of=state, since=self._first, until=until, page_size=PAGE_SIZE)
        for row in (row for rows, _ in pages for row in rows):
            user = str(row.members["user_id"])
            self.found[user].count(Decimal(str(row.members["hours"])))
            if user in self.file and row.entry_id is None:
                nameless.append(f"timesheet {row.timesheet_id}")
            elif user in self.file and row.entry_id not in self._ids:
                yield row
        if nameless:
            raise EntriesRejected(
                f"--replace: nothing was stored, because {len(nameless)} entries of these employees and days "
                "have no entry_id and can neither be matched nor withdrawn: "
                f"{', '.join(nameless[:MAX_NAMED])}"
            )

    @property
    def losses(self) -> dict[str, Decimal]:
        """The hours that each employee of the file loses."""
        return {user: max(ZERO, self.found[user].hours - hours) for user, hours in self.file.items()}


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
    return Change(word, verdict.entry.revise(verdict.revision, reason), values, verdict.was)


def make_withdrawal(row: StoredEntry, reason: str) -> Change:
    was = {name: make_printable(str(row.members[name])) for name in COLUMNS}
    values = f"{', '.join(was.values())} -> 0 hours"
    return Change("withdrawn", row.withdraw(f"timesheet {row.timesheet_id}", reason), values, was)


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
