"""Turn the cells of a row into an entry. Each column accepts only what cannot have lost anything."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from enum import Enum

from timesheets_client.reading.entries import (
    ENTRY_ID,
    OPTIONAL_COLUMNS,
    REASON,
    REVISION,
    WHOLE_ENTRY,
    InputEntry,
    Malformed,
    RejectedEntry,
    Row,
    SkippedRow,
    reject_text,
)
from timesheets_client.reading.maps.rows import EntryMap
from timesheets_client.reading.maps.rules import Typed
from timesheets_client.reading.rows import name_cells, read_members, read_row


class Kind(Enum):
    """What a cell holds, in the words of the messages."""

    TEXT = "the text"
    NUMBER = "the number"
    BOOLEAN = "the boolean"
    DATE = "the date"
    DURATION = "the time of day or duration"
    ERROR = "the error"
    NOT_COMPUTED = "a formula without a stored value"
    TOO_LONG = "a text that is too long for the API"
    EMPTY = "nothing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """`text` is what the cell shows, with ISO dates and decimal points."""

    kind: Kind
    text: str = ""


EMPTY = Cell(kind=Kind.EMPTY)

TEXTS = {Kind.TEXT, Kind.EMPTY}
KINDS: Mapping[str, set[Kind]] = {
    "user_id": TEXTS,
    "date": TEXTS | {Kind.DATE},
    "project": TEXTS,
    "hours": TEXTS | {Kind.NUMBER},
    ENTRY_ID: TEXTS,
    REVISION: TEXTS | {Kind.NUMBER},
    REASON: TEXTS,
}
# In an export, the date and the time of day can have a column each, and hours can be a duration.
MAPPED_KINDS = {
    **KINDS,
    "date": KINDS["date"] | {Kind.DURATION},
    "hours": KINDS["hours"] | {Kind.DATE, Kind.DURATION},
}


TYPED = {Kind.DATE, Kind.DURATION, Kind.NUMBER}


def make_entry(
    source: str, found: Sequence[Cell], header: Sequence[str], zone: tzinfo | None
) -> InputEntry | RejectedEntry:
    cells = [*found, *[EMPTY] * (len(header) - len(found))]
    pairs = [(name, cell) for name, cell in zip(header, cells, strict=False) if name]
    wrong = {name: cell for name, cell in pairs if cell.kind not in KINDS.get(name, Kind)}
    # Values that the API refuses too, in case nobody corrects them.
    values = {name: convert(name, cell) for name, cell in wrong.items()}
    try:
        texts = name_cells(header, [cell.text for cell in cells])
    except Malformed as error:
        members = read_members({name: cell.text for name, cell in pairs})
        return RejectedEntry(source=source, errors={WHOLE_ENTRY: [str(error)]}, members={**members, **values})
    read = read_row(source, texts, zone)
    if not wrong:
        return read
    errors = dict(read.errors) if isinstance(read, RejectedEntry) else {}
    errors |= {name: [explain(name, cell)] for name, cell in wrong.items()}
    return RejectedEntry(source=source, errors=errors, members={**read.members, **values})


class MappedCells:
    """Reads the rows of a sheet as a mapping file says."""

    def __init__(self, entry_map: EntryMap, header: Sequence[str], source: str) -> None:
        self._rows = entry_map.open_table(header, source)
        self._places = {
            member: [self._rows.locate(column) for column in rule.columns]
            for member, rule in entry_map.rules.items()
        }

    def make_entry(self, source: str, found: Sequence[Cell]) -> Row:
        cells = [*found, *[EMPTY] * (self._rows.width - len(found))]
        texts = [Typed(cell.text) if cell.kind in TYPED else cell.text for cell in cells]
        try:
            read = self._rows.read(source, texts)
        except Malformed as error:
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


def explain(name: str, cell: Cell) -> str:
    found = f"the cell holds {' '.join(filter(None, (cell.kind.value, cell.text)))}"
    if cell.kind is Kind.NOT_COMPUTED:
        return f"{found}; open the workbook in a spreadsheet and save it"
    if cell.kind is Kind.TOO_LONG:
        return found
    if name == "date":
        return f"{found}; format it as a date, or write it as text such as 2026-04-03"
    if name == "hours":
        return f"{found}; write the hours as a number such as 7.5"
    if name == REVISION:
        return f"{found}; write the revision as a whole number such as 2"
    if cell.kind is Kind.NUMBER:
        found += ", which may have lost leading zeros"
    return f"{found}; format the column as text and write it again"


def convert(name: str, cell: Cell) -> object:
    if cell.kind is Kind.NUMBER:
        return Decimal(cell.text)
    if cell.kind is Kind.BOOLEAN:
        return cell.text == "true"
    # Null would mean that the entry has none.
    return "" if name in (REVISION, REASON) else None
