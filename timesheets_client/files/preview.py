"""Show what would be sent (--preview): the first entries, totals, and what may be wrong."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from itertools import islice

from timesheets_client.files.control_totals import Totals, find_hours, show
from timesheets_client.files.counted_days import CountedDays
from timesheets_client.files.groups import Groups
from timesheets_client.output.report import MAX_REJECTED_SHOWN, count_entries, format_table
from timesheets_client.reading.entries import InputEntry, RejectedEntry, SkippedRow, encode_value
from timesheets_client.reading.identity import Occurrences, digest_entry

MAX_FIRST = 5
MAX_COLUMNS = 9
OF_EVERY_ENTRY = ("by_person", "by_project", "by_month", "by_week", "by_person_project_week")
MAX_PERSON_DAYS = 100_000
MAX_HOURS_PER_DAY = Decimal(24)
# The API accepts no longer person or project. Those with the same beginning are one group.
MAX_TEXT_LENGTH = 128
NO_TEXT = "(no text)"
NO_DATE = "(no date)"


class Preview:
    """The totals of the entries of all files, and warnings about them."""

    def __init__(self, now: float, zone: tzinfo | None, days: CountedDays) -> None:
        """`now` is in seconds since 1970. Later days than that of `zone`, or of UTC, are in the future."""
        self._zone, self.days = zone or UTC, days
        self._today = datetime.fromtimestamp(now, self._zone).date()
        self._total = Totals()
        self._groups = {
            "by_person": Groups("by person", "user_id"),
            "by_project": Groups("by project", "project"),
            "by_month": Groups("by month", "month"),
            "by_week": Groups("by ISO week", "week"),
            "by_person_project_week": Groups("by person, project and week", "user_id", "project", "week"),
            "over_24_hours": Groups(
                "warning: more than 24 hours of a person on a day",
                *("user_id", "date"),
                limit=MAX_PERSON_DAYS,
                more_than=MAX_HOURS_PER_DAY,
            ),
            "future": Groups(
                f"warning: in the future, after {self._today} in {self._zone}", "user_id", "date"
            ),
            "equal": Groups(
                "warning: equal to an earlier row (those with one entry_id are stored once)",
                *("user_id", "date", "project"),
            ),
            "skipped": Groups("skipped, because the mapping file says so", "reason"),
        }
        self._occurrences = Occurrences()
        self._rejected: list[RejectedEntry] = []
        self._first_day, self._last_day = date.max, date.min

    def add(self, entry: InputEntry) -> None:
        members, hours = entry.members, find_hours(entry.members)
        texts = {name: find_text(members.get(name)) for name in ("user_id", "project")}
        texts |= dict.fromkeys(("date", "month", "week"), NO_DATE)
        self._total.count(hours)
        if day := self.days.find(members.get("date")):
            date_text = day.isoformat()
            texts |= {"date": date_text, "month": date_text[:7], "week": format_week(day)}
            self._first_day, self._last_day = min(self._first_day, day), max(self._last_day, day)
            self._groups["over_24_hours"].add(texts, hours)
            if day > self._today:
                self._groups["future"].add(texts, hours, entry.source)
        for name in OF_EVERY_ENTRY:
            self._groups[name].add(texts, hours)
        if self._occurrences.count(digest_entry(members)):
            self._groups["equal"].add(texts, hours, entry.source)

    def reject(self, rejected: Sequence[RejectedEntry]) -> None:
        self._rejected.extend(rejected[: MAX_REJECTED_SHOWN - len(self._rejected)])

    def skip(self, row: SkippedRow) -> None:
        self._groups["skipped"].add({"reason": row.reason}, None, row.source)

    def encode(self) -> dict[str, object]:
        """The object that --json prints."""
        return {
            "entries": self._total.entries,
            "hours": show(self._total.hours),
            "unreadable_hours": self._total.unreadable,
            **(
                {"first_day": f"{self._first_day}", "last_day": f"{self._last_day}"} if self._has_days else {}
            ),
            "today": self._today.isoformat(),
            "time_zone": str(self._zone),
            "api_time_zone": str(self.days.zone) if self.days.zone else None,
            **{name: groups.encode() for name, groups in self._groups.items()},
            "rejected": [{"source": each.source, "errors": each.errors} for each in self._rejected],
        }

    def describe(self) -> Iterator[str]:
        """The same as lines, without the rejected entries, which are shown when they are read."""
        yield ""
        span = f", from {self._first_day} to {self._last_day}" if self._has_days else ""
        yield f"to be sent: {count_entries(self._total.entries)} with {show(self._total.hours)} hours{span}"
        if self.days.zone:
            yield f"  a time counts on its day in {self.days.zone}, the API's time zone"
        elif self.days.has_times:
            yield "  a time counts here on the day that it shows. The API may count it on another:"
            yield "  its time zone is not known; set TIMESHEETS_API_URL, so that it can be asked"
        if self._total.unreadable:
            yield f"  entries whose hours are no number, so they are not added up: {self._total.unreadable}"
        for groups in self._groups.values():
            yield from groups.describe()
        yield ""

    @property
    def _has_days(self) -> bool:
        return self._first_day <= self._last_day


def describe_first(entries: Sequence[InputEntry], name: str, days: CountedDays) -> Iterator[str]:
    """A table with a row per entry of the file, and in it the day of a time if the API's zone is known."""
    if not entries:
        return
    rows = [{"": each.source.removeprefix(name), **encode_members(each, days)} for each in entries]
    yield f"{name}: the first entries, as they will be sent:"
    yield from format_table([dict(islice(row.items(), MAX_COLUMNS)) for row in rows], right=("", "hours"))
    if hidden := {name for row in rows for name in islice(row, MAX_COLUMNS, None)}:
        yield f"  and {len(hidden)} more {'member' if len(hidden) == 1 else 'members'}; --json shows more"


def encode_members(entry: InputEntry, days: CountedDays) -> dict[str, str]:
    """Texts as they are, other values as JSON."""
    shown = {}
    for name, value in entry.members.items():
        shown[name] = value if isinstance(value, str) else encode_value(value)
        if name == "date" and days.zone:
            shown["day"] = str(days.find(value) or NO_DATE)
    return shown


def find_text(value: object) -> str:
    return value.strip()[:MAX_TEXT_LENGTH] if isinstance(value, str) else NO_TEXT


def format_week(day: date) -> str:
    """As in ISO 8601, such as `2026-W23`."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"
