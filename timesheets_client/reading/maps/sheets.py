"""Read the rows of a sheet as a mapping file says."""

from collections.abc import Iterator, Sequence

from timesheets_client.reading.entries import RejectedEntry, Row, SkippedRow, reject_text
from timesheets_client.reading.maps.names import normalize
from timesheets_client.reading.maps.rows import EntryMap
from timesheets_client.reading.maps.rules import Typed
from timesheets_files.members import OPTIONAL_COLUMNS, RowMalformed
from timesheets_files.workbook_values import EMPTY, KINDS, Cell, Kind, Sheet, explain

# In an export, the date and the time of day can have a column each, and hours can be a duration.
MAPPED_KINDS = {
    **KINDS,
    "date": KINDS["date"] | {Kind.DURATION},
    "hours": KINDS["hours"] | {Kind.DATE, Kind.DURATION},
}
TYPED = {Kind.DATE, Kind.DURATION, Kind.NUMBER}


class MappedCells:
    def __init__(self, entry_map: EntryMap, sheet: Sheet) -> None:
        self._rows = entry_map.open_table(sheet.header, 1, sheet.title)
        self._places = {
            member: [self._rows.names.index(normalize(column)) for column in rule.columns]
            for member, rule in entry_map.rules.items()
        }

    def make_entry(self, source: str, found: Sequence[Cell]) -> Row:
        cells = [*found, *[EMPTY] * (len(self._rows.names) - len(found))]
        texts = [Typed(cell.text) if cell.kind in TYPED else cell.text for cell in cells]
        try:
            read = self._rows.read(source, texts)
        except RowMalformed as error:
            return reject_text(source, str(error), "\t".join(texts))
        if isinstance(read, SkippedRow):
            return read
        errors = {member: [explain(member, cell)] for member, cell in self._find_wrong(cells)}
        if not errors:
            return read
        refused = {member: "" if member in OPTIONAL_COLUMNS else None for member in errors}
        others = read.errors if isinstance(read, RejectedEntry) else {}
        return RejectedEntry(source=source, errors={**others, **errors}, members={**read.members, **refused})

    def _find_wrong(self, cells: Sequence[Cell]) -> Iterator[tuple[str, Cell]]:
        for member, places in self._places.items():
            yield from (
                (member, cells[place]) for place in places if cells[place].kind not in MAPPED_KINDS[member]
            )
