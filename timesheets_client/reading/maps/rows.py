"""Turn the rows of an export into entries, as a mapping file says."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from timesheets_client.errors import DateOrderInDoubt
from timesheets_client.reading.entries import InputEntry, RejectedEntry, Row, SkippedRow, reject_text
from timesheets_client.reading.maps.rules import Cells, Rule, Typed
from timesheets_client.reading.maps.shipped import normalize
from timesheets_client.reading.maps.time_rules import RoundsToZero
from timesheets_files.dates import Swapped
from timesheets_files.limits import find_faults
from timesheets_files.members import OPTIONAL_COLUMNS, HeaderMalformed, Malformed, RowMalformed
from timesheets_files.printable import quote
from timesheets_files.rows import clear_optional, join_names, require_width
from timesheets_files.workbook_values import EMPTY, KINDS, Cell, Kind, Sheet, explain

# In an export, the date and the time of day can have a column each, and hours can be a duration.
MAPPED_KINDS = {
    **KINDS,
    "date": KINDS["date"] | {Kind.DURATION},
    "hours": KINDS["hours"] | {Kind.DATE, Kind.DURATION},
}
TYPED = {Kind.DATE, Kind.DURATION, Kind.NUMBER}


class Skip(NamedTuple):
    """Rows whose column has one of the texts, or with `is_negated` none of them."""

    column: str
    texts: Collection[str]
    is_negated: bool
    # The table may lack the column.
    is_optional: bool


@dataclass(frozen=True, kw_only=True)
class EntryMap:
    """A mapping file. `name` is safe to print."""

    name: str
    rules: Mapping[str, Rule]
    encoding: str = "utf-8"
    skips: Sequence[Skip] = ()
    skips_zero_hours: bool = False

    @property
    def columns(self) -> Iterator[tuple[str, str]]:
        """Each column that a table must have, and the key that names it."""
        yield from ((column, member) for member, rule in self.rules.items() for column in rule.columns)
        yield from ((skip.column, "skip") for skip in self.skips if not skip.is_optional)

    def open_table(self, header: Sequence[str], line: int, sheet: str = "") -> "RowReader":
        """A reader for the rows below this header. Raises HeaderMalformed if a column is not there once."""
        return RowReader(self, header, line, sheet)

    def knows(self, header: Sequence[str]) -> bool:
        """Whether the first row of a table names a column of the map."""
        names = set(map(normalize, header))
        return any(normalize(column) in names for column, _ in self.columns)


class RowReader:
    """Reads the rows of one table."""

    def __init__(self, entry_map: EntryMap, header: Sequence[str], line: int, sheet: str) -> None:
        self._map, self.names = entry_map, [normalize(name) for name in header]
        columns = {f"{quote(column)} ({member})": normalize(column) for column, member in entry_map.columns}
        if wrong := [column for column, name in columns.items() if self.names.count(name) != 1]:
            problem = f"it lacks or repeats {', '.join(wrong)}; it names: {join_names(header)}"
            first_row = f"the first row must have each column that {entry_map.name} names once"
            raise HeaderMalformed(f"{first_row}; {problem}", line, sheet)
        self._skips = [(normalize(skip.column), skip) for skip in entry_map.skips]
        read = {*columns.values(), *(key for key, _ in self._skips)}
        self._last = max(place for place, name in enumerate(self.names) if name in read)

    def read(self, source: str, row: Sequence[str], kinds: Sequence[Cell] = ()) -> Row:
        """The entry in a row, or all that is wrong with it. In a workbook, `kinds` has its cells.

        Raises RowMalformed if a cell that the map reads is missing or the row is wider than the header, and
        DateOrderInDoubt for a date that only fits with day and month swapped.
        """
        if not self._last < len(row) <= len(self.names):
            require_width(row, len(self.names))
        cells = dict(zip(self.names, row, strict=False))
        if reason := self._find_reason_to_skip(cells):
            return SkippedRow(source=source, reason=reason)
        members: dict[str, object] = {}
        errors: dict[str, Malformed] = {}
        for member, rule in self._map.rules.items():
            try:
                members[member] = self._make(member, rule, cells, kinds)
            except Swapped as error:
                raise DateOrderInDoubt(
                    f"{source}: {member}: {error}; nothing of this file is sent, because the order of day "
                    f"and month is in doubt for all of it; state the right format in {self._map.name}"
                ) from None
            except Malformed as error:
                # The API refuses both, but null means that there is no optional member.
                members[member], errors[member] = "" if member in OPTIONAL_COLUMNS else None, error
        is_zero = members["hours"] == 0 or isinstance(errors.get("hours"), RoundsToZero)
        if self._map.skips_zero_hours and is_zero:
            return SkippedRow(source=source, reason="it has 0 hours")
        clear_optional(members, [name for name in OPTIONAL_COLUMNS if name in members.keys() - errors.keys()])
        if errors:
            texts = {member: [str(error)] for member, error in errors.items()}
            return RejectedEntry(source=source, errors={**find_faults(members), **texts}, members=members)
        return InputEntry(source=source, members=members)

    def _find_reason_to_skip(self, cells: Cells) -> str | None:
        for key, skip in self._skips:
            text = cells.get(key)
            if text is not None and (text in skip.texts) != skip.is_negated:
                return f"{skip.column} is {quote(text) if text else 'empty'}"
        return None

    def _make(self, member: str, rule: Rule, cells: Cells, kinds: Sequence[Cell]) -> object:
        for column in rule.columns if kinds else ():
            cell = kinds[self.names.index(normalize(column))]
            if cell.kind not in MAPPED_KINDS[member]:
                raise Malformed(explain(member, cell))
        return rule.take(cells)


def read_mapped_sheet(entry_map: EntryMap, sheet: Sheet, source: str) -> Iterator[Row]:
    """What becomes of each row. Raises HeaderMalformed and DateOrderInDoubt."""
    rows = entry_map.open_table(sheet.header, 1, sheet.title)
    for row in sheet.rows:
        cells = [*row.cells, *[EMPTY] * (len(rows.names) - len(row.cells))]
        texts = [Typed(cell.text) if cell.kind in TYPED else cell.text for cell in cells]
        try:
            yield rows.read(f"{source}:{row.number}", texts, cells)
        except RowMalformed as error:
            yield reject_text(f"{source}:{row.number}", str(error), "\t".join(texts))
