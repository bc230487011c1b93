"""What a file and the API have on the days that --replace names."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

from timesheets_client.errors import ConfigurationError, EntriesRejected
from timesheets_client.files.entries import Totals, find_hours, show
from timesheets_client.files.tally import Tally
from timesheets_client.network.messages import make_printable
from timesheets_client.output.report import count_entries
from timesheets_client.reading.entries import InputEntry
from timesheets_client.reading.identity import strip_text
from timesheets_client.sending.client import ApiClient
from timesheets_client.sending.stored_entries import PAGE_SIZE, StoredEntry, find_latest_state, list_state
from timesheets_files.members import ENTRY_ID

ZERO = Decimal(0)
MAX_NAMED = 20
DATE_LENGTH = len("2026-06-03")


class ReplacedDays:
    """Adds up the hours of each employee, in the file and in the API."""

    def __init__(self, first: str, last: str, client: ApiClient) -> None:
        self._first, self._last, self._client = first, last, client
        self._ids: set[str] = set()
        self._file: dict[str, Decimal] = defaultdict(Decimal)
        self._found: dict[str, Totals] = defaultdict(Totals)

    def take(self, entries: Iterable[InputEntry], tally: Tally) -> Iterator[InputEntry]:
        """The entries of the file that are on these days. Rejects the others."""
        for entry in entries:
            if reason := self._find_fault(str(entry.members.get("date"))):
                tally.reject(entry.reject({"date": [reason]}))
                continue
            user = str(strip_text(entry.members.get("user_id")))
            self._file[user] += find_hours(entry.members) or ZERO
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
        for row in (row for page in pages for row in page.rows):
            user = str(row.members["user_id"])
            self._found[user].count(Decimal(str(row.members["hours"])))
            if user in self._file and row.entry_id is None:
                nameless.append(f"timesheet {row.timesheet_id}")
            elif user in self._file and row.entry_id not in self._ids:
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
        return {user: max(ZERO, self._found[user].hours - hours) for user, hours in self._file.items()}

    def describe_others(self) -> Iterator[str]:
        for user, totals in sorted(self._found.items()):
            if user not in self._file:
                stored = f"{count_entries(totals.entries)}, {show(totals.hours)} hours"
                yield f"{make_printable(user)} is not in the file and is left alone: {stored}"

    def require_small_loss(self, max_loss: Decimal, name: str) -> None:
        """Raise EntriesRejected if the employees lose a greater part of their hours: half a file must not."""
        losses = self.losses
        lost, found = sum(losses.values()), sum((self._found[user].hours for user in losses), ZERO)
        if lost * 100 <= max_loss * found:
            return
        losers = sorted(filter(losses.get, losses), key=losses.__getitem__, reverse=True)[:MAX_NAMED]
        listed = (
            f"{make_printable(user)} has {show(self._file[user])} of {show(self._found[user].hours)}"
            for user in losers
        )
        share = f"{lost * 100 / found:.1f} % and more than {show(max_loss)} %"
        raise EntriesRejected(
            f"{name}: nothing was stored, because {show(Decimal(lost))} of {show(found)} hours would be "
            f"lost, which is {share}: {'; '.join(listed)}; is it the whole export? If these hours must go, "
            "allow it with --max-loss"
        )
