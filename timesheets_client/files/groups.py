"""Add up the hours of groups of entries, in bounded memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from timesheets_client.files.control_totals import Totals, show
from timesheets_client.output.tables import format_table

MAX_GROUPS = 5_000
MAX_ROWS_SHOWN = 20
RIGHT = ("entries", "hours", "first")

Texts = tuple[str, ...]
Row = Mapping[str, str | int]


class Groups:
    """The totals of each group of entries. After `limit` groups, the entries of all others are `unlisted`."""

    def __init__(self, *names: str, limit: int = MAX_GROUPS) -> None:
        self._names, self._limit = names, limit
        self._totals: dict[Texts, Totals] = {}
        self._first: dict[Texts, str] = {}
        self.unlisted = Totals()

    def add(self, texts: Texts, hours: Decimal | None, source: str | None = None) -> None:
        """Count an entry in the group with these texts. Of the group's first entry, `source` is kept."""
        totals = self._totals.get(texts)
        if totals is None:
            if len(self._totals) == self._limit:
                self.unlisted.count(hours)
                return
            totals = self._totals[texts] = Totals()
            if source:
                self._first[texts] = source
        totals.count(hours)

    def list_rows(self, more_than: Decimal | None = None) -> list[Row]:
        """The groups in the order of their texts; with `more_than`, only those that have more hours."""
        return [
            self._make_row(texts, totals)
            for texts, totals in sorted(self._totals.items(), key=lambda item: item[0])
            if more_than is None or totals.hours > more_than
        ]

    def _make_row(self, texts: Texts, totals: Totals) -> Row:
        row: dict[str, str | int] = {**dict(zip(self._names, texts, strict=True)), "entries": totals.entries}
        if totals.unreadable < totals.entries:
            row["hours"] = show(totals.hours)
        if texts in self._first:
            row["first"] = self._first[texts]
        return row


@dataclass(frozen=True, kw_only=True)
class Section:
    """Groups with a title. `unlisted` are the entries that are in none of the rows."""

    name: str
    title: str
    rows: Sequence[Row]
    unlisted: Totals

    def encode(self) -> dict[str, object]:
        unlisted = {"entries": self.unlisted.entries, "hours": show(self.unlisted.hours)}
        return {"rows": list(self.rows), **({"unlisted": unlisted} if self.unlisted.entries else {})}

    def describe(self) -> Iterator[str]:
        """A title and a table; nothing without entries."""
        if not self.rows and not self.unlisted.entries:
            return
        yield ""
        yield f"{self.title}:"
        shown = self.rows[:MAX_ROWS_SHOWN]
        yield from format_table([{name: str(row[name]) for name in row} for row in shown], RIGHT)
        if len(self.rows) > len(shown):
            yield f"  and {len(self.rows) - len(shown)} more rows; --json lists them"
        if self.unlisted.entries:
            yield f"  entries in no row, because there are too many different ones: {self.unlisted.entries}"
