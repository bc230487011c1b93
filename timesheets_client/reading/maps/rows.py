"""Turn the rows of an export into entries, as a mapping file says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from timesheets_client.errors import DateOrderInDoubt
from timesheets_client.reading.entries import InputEntry, RejectedEntry, Row, SkippedRow, reject_text
from timesheets_client.reading.maps.rules import Rule, Typed
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


@dataclass(frozen=True, kw_only=True)
class EntryMap:
    """A mapping file. `name` is safe to print."""

    name: str
    rules: Mapping[str, Rule]
    encoding: str = "utf-8"
    # Each returns why a row is skipped, if it is.
    skips: Sequence[Rule] = ()
    skips_zero_hours: bool = False

    @property
    def columns(self) -> Iterator[tuple[str, str]]:
        """Each column that a table must have, and the key that names it."""
        rules = [*self.rules.items(), *(("skip", skip) for skip in self.skips)]
        return ((column, name) for name, rule in rules for column in rule.columns)

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
        self._least = 1 + max(map(self.names.index, columns.values()))
        self._optional = [name for name in OPTIONAL_COLUMNS if name in entry_map.rules]

    def read(self, source: str, row: Sequence[str], kinds: Sequence[Cell] = ()) -> Row:
        """The entry in a row, or all that is wrong with it. In a workbook, `kinds` has its cells.

        Raises RowMalformed if a cell that the map reads is missing or the row is wider than the header, and
        DateOrderInDoubt for a date that only fits with day and month swapped.
        """
        require_width(row, self._least, len(self.names))
        cells = dict(zip(self.names, row, strict=False))
        for reason in filter(None, (skip.take(cells) for skip in self._map.skips)):
            return SkippedRow(source=source, reason=reason)
        members: dict[str, object] = {}
        errors: dict[str, list[str]] = {}
        rounds_to_zero = False
        for member, rule in self._map.rules.items():
            try:
                if kinds:
                    self._require_kinds(member, rule, kinds)
                members[member] = rule.take(cells)
            except Swapped as error:
                raise DateOrderInDoubt(
                    f"{source}: {member}: {error}; nothing of this file is sent, because the order of day "
                    f"and month is in doubt for all of it; state the right format in {self._map.name}"
                ) from None
            except Malformed as error:
                # The API refuses both, but null means that there is no optional member.
                members[member], errors[member] = "" if member in OPTIONAL_COLUMNS else None, [str(error)]
                rounds_to_zero |= isinstance(error, RoundsToZero)
        if self._map.skips_zero_hours and (rounds_to_zero or members["hours"] == 0):
            return SkippedRow(source=source, reason="it has 0 hours")
        clear_optional(members, [name for name in self._optional if name not in errors])
        if errors:
            return RejectedEntry(source=source, errors={**find_faults(members), **errors}, members=members)
        return InputEntry(source=source, members=members)

    def _require_kinds(self, member: str, rule: Rule, kinds: Sequence[Cell]) -> None:
        for column in rule.columns:
            cell = kinds[self.names.index(normalize(column))]
            if cell.kind not in MAPPED_KINDS[member]:
                raise Malformed(explain(member, cell))


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
