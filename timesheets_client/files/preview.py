"""Show what would be sent (--preview): the first entries, totals, and what may be wrong."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache

from timesheets_client.files.entries import Totals, find_hours, show
from timesheets_client.output.report import count_entries, format_table
from timesheets_client.reading.entries import InputEntry, SkippedRow, encode_value
from timesheets_client.reading.identity import Occurrences, digest_entry

MAX_COLUMNS = 9
OF_EVERY_ENTRY = ("by_person", "by_project", "by_month", "by_week", "by_person_project_week")
MAX_GROUPS = 5_000
MAX_PERSON_DAYS = 100_000
MAX_ROWS_SHOWN = 20
MAX_HOURS_PER_DAY = 24
DATE_LENGTH = len("2026-06-03")
MAX_DATES = 4096
# The API accepts no longer person or project. Those with the same beginning are one group.
MAX_TEXT_LENGTH = 128
NO_TEXT = "(no text)"
OTHERS = "(all others)"
NO_DATE = "(no date)"


class Groups:
    """The totals of entries whose texts with these `names` are equal. After `limit`, the rest is one group.

    Only groups with `more_than` these hours are shown.
    """

    def __init__(
        self, title: str, *names: str, limit: int = MAX_GROUPS, more_than: float = float("-inf")
    ) -> None:
        self._title, self._names, self._limit, self._more_than = title, names, limit, more_than
        self._totals: dict[tuple[str, ...], Totals] = {}

    def add(self, texts: Mapping[str, str], hours: Decimal | None, source: str = "") -> None:
        """Count an entry in the group with its texts. Of the group's first entry, `source` is kept."""
        key = tuple([texts[name] for name in self._names])
        if key not in self._totals:
            if len(self._totals) >= self._limit:
                key = tuple([OTHERS for _ in self._names])
            self._totals.setdefault(key, Totals(first=source))
        self._totals[key].count(hours)

    def list_rows(self) -> list[dict[str, str | int]]:
        """The groups in the order of their texts."""
        rows = []
        for texts, totals in sorted(self._totals.items(), key=lambda item: item[0]):
            if totals.hours > self._more_than:
                row: dict[str, str | int] = dict(zip(self._names, texts, strict=True))
                row["entries"] = totals.entries
                if totals.unreadable < totals.entries:
                    row["hours"] = show(totals.hours)
                rows.append({**row, "first": totals.first} if totals.first else row)
        return rows

    def describe(self) -> Iterator[str]:
        """The title and a table; nothing without entries."""
        rows = self.list_rows()
        if not rows:
            return
        yield ""
        yield f"{self._title}:"
        shown = [{name: str(row[name]) for name in row} for row in rows[:MAX_ROWS_SHOWN]]
        yield from format_table(shown, ("entries", "hours", "first"))
        if len(rows) > MAX_ROWS_SHOWN:
            yield f"  and {len(rows) - MAX_ROWS_SHOWN} more rows; --json lists them"


class Preview:
    """The totals of the entries of all files, and warnings about them."""

    def __init__(self, now: float, zone: tzinfo | None) -> None:
        """`now` is in seconds since 1970. Later days than that of `zone`, or of UTC, are in the future."""
        self._zone = zone or UTC
        self._today = datetime.fromtimestamp(now, self._zone).date()
        self._total = Totals()
        over = "warning: more than 24 hours of a person on a day"
        future = f"warning: in the future, after {self._today} in {self._zone}"
        equal = "warning: equal to an earlier row (those with one entry_id are stored once)"
        self._groups = {
            "by_person": Groups("by person", "user_id"),
            "by_project": Groups("by project", "project"),
            "by_month": Groups("by month", "month"),
            "by_week": Groups("by ISO week", "week"),
            "by_person_project_week": Groups("by person, project and week", "user_id", "project", "week"),
            "over_24_hours": Groups(
                over, "user_id", "date", limit=MAX_PERSON_DAYS, more_than=MAX_HOURS_PER_DAY
            ),
            "future": Groups(future, "user_id", "date"),
            "equal": Groups(equal, "user_id", "date", "project"),
            "skipped": Groups("skipped, because the mapping file says so", "reason"),
        }
        self._occurrences, self._has_times = Occurrences(), False
        self._first_day, self._last_day = date.max, date.min

    def add(self, entry: InputEntry) -> None:
        members, hours = entry.members, find_hours(entry.members)
        texts = {name: find_text(members.get(name)) for name in ("user_id", "project")}
        texts |= dict.fromkeys(("date", "month", "week"), NO_DATE)
        self._total.count(hours)
        written = str(members.get("date"))
        if day := parse_day(written[:DATE_LENGTH]):
            date_text = day.isoformat()
            texts |= {"date": date_text, "month": date_text[:7], "week": f"{day:%G-W%V}"}
            self._has_times = self._has_times or len(written) > DATE_LENGTH
            self._first_day, self._last_day = min(self._first_day, day), max(self._last_day, day)
            self._groups["over_24_hours"].add(texts, hours)
            if day > self._today:
                self._groups["future"].add(texts, hours, entry.source)
        for name in OF_EVERY_ENTRY:
            self._groups[name].add(texts, hours)
        if self._occurrences.count(digest_entry(members)):
            self._groups["equal"].add(texts, hours, entry.source)

    def skip(self, row: SkippedRow) -> None:
        self._groups["skipped"].add({"reason": row.reason}, None, row.source)

    def encode(self) -> dict[str, object]:
        """The object that --json prints."""
        span = {"first_day": f"{self._first_day}", "last_day": f"{self._last_day}"}
        return {
            "entries": self._total.entries,
            "hours": show(self._total.hours),
            "unreadable_hours": self._total.unreadable,
            **(span if self._first_day <= self._last_day else {}),
            "today": self._today.isoformat(),
            "time_zone": str(self._zone),
            **{name: {"rows": groups.list_rows()} for name, groups in self._groups.items()},
        }

    def describe(self) -> Iterator[str]:
        """The same as lines."""
        yield ""
        has_days = self._first_day <= self._last_day
        span = f", from {self._first_day} to {self._last_day}" if has_days else ""
        yield f"to be sent: {count_entries(self._total.entries)} with {show(self._total.hours)} hours{span}"
        if self._has_times:
            yield "  a time counts here on the day that it shows, and in the API on its day in the API's zone"
        if self._total.unreadable:
            yield f"  entries whose hours are no number, so they are not added up: {self._total.unreadable}"
        for groups in self._groups.values():
            yield from groups.describe()
        yield ""


def describe_first(entries: Sequence[InputEntry], name: str) -> Iterator[str]:
    """A table with a row per entry of the file: texts as they are, other values as JSON."""
    rows = []
    for each in entries:
        pairs = list(each.members.items())[:MAX_COLUMNS]
        shown = {key: value if isinstance(value, str) else encode_value(value) for key, value in pairs}
        rows.append({"": each.source.removeprefix(name), **shown})
    if rows:
        yield f"{name}: the first entries, as they will be sent:"
        yield from format_table(rows, right=("", "hours"))


def find_text(value: object) -> str:
    return value.strip()[:MAX_TEXT_LENGTH] if isinstance(value, str) else NO_TEXT


@lru_cache(MAX_DATES)
def parse_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
