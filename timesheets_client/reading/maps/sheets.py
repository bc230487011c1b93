"""Read the rows of a sheet as a mapping file says."""

from collections.abc import Iterator

from timesheets_client.reading.entries import RejectedEntry, Row, SkippedRow, reject_text
from timesheets_client.reading.maps.names import normalize
from timesheets_client.reading.maps.rows import EntryMap
from timesheets_client.reading.maps.rules import Typed
from timesheets_files.members import OPTIONAL_COLUMNS, RowMalformed
from timesheets_files.workbook_values import EMPTY, KINDS, Kind, Sheet, explain

# In an export, the date and the time of day can have a column each, and hours can be a duration.
MAPPED_KINDS = {
    **KINDS,
    "date": KINDS["date"] | {Kind.DURATION},
    "hours": KINDS["hours"] | {Kind.DATE, Kind.DURATION},
}
TYPED = {Kind.DATE, Kind.DURATION, Kind.NUMBER}


def read_mapped_sheet(entry_map: EntryMap, sheet: Sheet, source: str) -> Iterator[Row]:
    """What becomes of each row. Raises HeaderMalformed and DateOrderInDoubt."""
    rows = entry_map.open_table(sheet.header, 1, sheet.title)
    places = [
        (member, rows.names.index(normalize(column)))
        for member, rule in entry_map.rules.items()
        for column in rule.columns
    ]
    for row in sheet.rows:
        cells = [*row.cells, *[EMPTY] * (len(rows.names) - len(row.cells))]
        texts = [Typed(cell.text) if cell.kind in TYPED else cell.text for cell in cells]
        try:
            read = rows.read(f"{source}:{row.number}", texts)
        except RowMalformed as error:
            yield reject_text(f"{source}:{row.number}", str(error), "\t".join(texts))
            continue
        wrong = [(member, cells[at]) for member, at in places if cells[at].kind not in MAPPED_KINDS[member]]
        if wrong and not isinstance(read, SkippedRow):
            errors = dict(read.errors) if isinstance(read, RejectedEntry) else {}
            errors |= {member: [explain(member, cell)] for member, cell in wrong}
            refused = {member: "" if member in OPTIONAL_COLUMNS else None for member, _ in wrong}
            read = RejectedEntry(source=read.source, errors=errors, members={**read.members, **refused})
        yield read
