"""Add up the hours of groups of entries, in bounded memory."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from timesheets_client.files.control_totals import Totals, show
from timesheets_client.output.report import format_table

MAX_GROUPS = 5_000
MAX_ROWS_SHOWN = 20
RIGHT = ("entries", "hours", "first")

Texts = tuple[str, ...]


class Groups:
    """The totals of each group of entries. After `limit` groups, the entries of all others are `unlisted`.

    The texts with these `names` make a group. With `more_than`, only groups that have more hours are shown.
    """

    def __init__(
        self, title: str, *names: str, limit: int = MAX_GROUPS, more_than: Decimal | None = None
    ) -> None:
        self._title, self._names, self._limit, self._more_than = title, names, limit, more_than
        self._totals: dict[Texts, Totals] = {}
        self._first: dict[Texts, str] = {}
        self.unlisted = Totals()

    def add(self, texts: Mapping[str, str], hours: Decimal | None, source: str | None = None) -> None:
        """Count an entry in the group with its texts. Of the group's first entry, `source` is kept."""
        key = tuple([texts[name] for name in self._names])
        totals = self._totals.get(key)
        if totals is None:
            if len(self._totals) == self._limit:
                self.unlisted.count(hours)
                return
            totals = self._totals[key] = Totals()
            if source:
                self._first[key] = source
        totals.count(hours)

    def list_rows(self) -> list[dict[str, str | int]]:
        """The groups in the order of their texts."""
        rows = []
        for texts, totals in sorted(self._totals.items(), key=lambda item: item[0]):
            if self._more_than is None or totals.hours > self._more_than:
                row: dict[str, str | int] = dict(zip(self._names, texts, strict=True))
                row["entries"] = totals.entries
                if totals.unreadable < totals.entries:
                    row["hours"] = show(totals.hours)
                if texts in self._first:
                    row["first"] = self._first[texts]
                rows.append(row)
        return rows

    def encode(self) -> dict[str, object]:
        unlisted = {"entries": self.unlisted.entries, "hours": show(self.unlisted.hours)}
        return {"rows": self.list_rows(), **({"unlisted": unlisted} if self.unlisted.entries else {})}

    def describe(self) -> Iterator[str]:
        """The title and a table; nothing without entries."""
        rows = self.list_rows()
        if not rows and not self.unlisted.entries:
            return
        yield ""
        yield f"{self._title}:"
        shown = rows[:MAX_ROWS_SHOWN]
        yield from format_table([{name: str(row[name]) for name in row} for row in shown], RIGHT)
        if len(rows) > len(shown):
            yield f"  and {len(rows) - len(shown)} more rows; --json lists them"
        if self.unlisted.entries:
            yield f"  entries in no row, because there are too many different ones: {self.unlisted.entries}"
