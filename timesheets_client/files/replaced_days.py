"""What a file and the API have on the days that --replace names."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from timesheets_client.errors import ConfigurationError, EntriesRejected
from timesheets_client.files.control_totals import Totals, find_hours, show
from timesheets_client.files.counted_days import CountedDays, find_shown_day
from timesheets_client.files.tally import Tally
from timesheets_client.network.messages import make_printable
from timesheets_client.output.report import count_entries
from timesheets_client.reading.entries import InputEntry
from timesheets_client.reading.identity import strip_text
from timesheets_client.sending.client import ApiClient
from timesheets_client.sending.stored_entries import (
    PAGE_SIZE,
    StoredEntry,
    find_latest_state,
    list_state,
)
from timesheets_files.members import ENTRY_ID

ZERO = Decimal(0)
MAX_NAMED = 20
OTHER_DAY = "In the API's time zone this is another day. Send only the date."


@dataclass(kw_only=True)
class ReplacedDays:
    """The hours of each employee: in the file, and `found` in the API. `ids` are those of the file."""

    first: str
    last: str
    counted: CountedDays
    ids: set[str] = field(default_factory=set)
    file: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    found: dict[str, Totals] = field(default_factory=lambda: defaultdict(Totals))

    def take(self, entries: Iterable[InputEntry], tally: Tally) -> Iterator[InputEntry]:
        """The entries of the file that are on these days. Rejects the others."""
        for entry in entries:
            if reason := self._find_fault(entry.members.get("date")):
                tally.reject(entry.reject({"date": [reason]}))
                continue
            user = str(strip_text(entry.members.get("user_id")))
            self.file[user] += find_hours(entry.members) or ZERO
            self.ids.add(str(strip_text(entry.members[ENTRY_ID])))
            yield entry

    def _find_fault(self, value: object) -> str:
        counted, shown = self.counted.find(value), find_shown_day(value)
        if not self.first <= str(shown or "") <= self.last:
            return f"This is not one of the days from {self.first} to {self.last}."
        if self.counted.has_times and not self.counted.zone:
            raise ConfigurationError(
                "--replace: nothing was stored, because the file has times, and this API does not say in "
                "which time zone it counts their days; send only the dates"
            )
        return "" if counted == shown else OTHER_DAY

    def find_surplus(self, client: ApiClient) -> Iterator[StoredEntry]:
        """Return stored entries of the file's employees that are not in the file.

        Raises EntriesRejected at the end if there are entries that cannot be matched.
        """
        nameless = []
        until = (date.fromisoformat(self.last) + timedelta(days=1)).isoformat()
        state = find_latest_state(client)
        for page in list_state(client, as_of=state, since=self.first, until=until, page_size=PAGE_SIZE):
            for row in page.rows:
                user = str(row.members["user_id"])
                self.found[user].count(Decimal(str(row.members["hours"])))
                if user not in self.file:
                    continue
                if row.entry_id is None:
                    nameless.append(f"timesheet {row.timesheet_id}")
                elif row.entry_id not in self.ids:
                    yield row
        if nameless:
            raise EntriesRejected(
                "--replace: nothing was stored, because entries of these employees and days have no entry_id "
                f"and can neither be matched nor withdrawn: {join(nameless, ', ')}"
            )

    @property
    def losses(self) -> Mapping[str, Decimal]:
        return {
            user: max(ZERO, totals.hours - self.file[user])
            for user, totals in self.found.items()
            if user in self.file
        }

    def describe_others(self) -> Iterator[str]:
        for user, totals in sorted(self.found.items()):
            if user not in self.file:
                stored = f"{count_entries(totals.entries)}, {show(totals.hours)} hours"
                yield f"{make_printable(user)} is not in the file and is left alone: {stored}"

    def require_small_loss(self, max_loss: Decimal, name: str) -> None:
        """Raise EntriesRejected if the employees lose a greater part of their hours: half a file must not."""
        losses = self.losses
        lost, found = sum(losses.values(), ZERO), sum((self.found[user].hours for user in losses), ZERO)
        if lost * 100 <= max_loss * found:
            return
        losers = [
            f"{make_printable(user)} has {show(self.file[user])} of {show(self.found[user].hours)}"
            for user, loss in sorted(losses.items(), key=lambda item: -item[1])
            if loss
        ]
        raise EntriesRejected(
            f"{name}: nothing was stored, because {show(lost)} of {show(found)} hours would be lost, which "
            f"is {lost * 100 / found:.1f} % and more than {show(max_loss)} %: "
            f"{join(losers, '; ', ' employees')}; is it the whole export? If these hours must go, allow it "
            "with --max-loss"
        )


def join(texts: list[str], separator: str, noun: str = "") -> str:
    more = f" and {len(texts) - MAX_NAMED} more{noun}" if len(texts) > MAX_NAMED else ""
    return f"{separator.join(texts[:MAX_NAMED])}{more}"
