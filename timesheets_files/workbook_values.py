"""Turn the cells of a row into an entry. Each column accepts only what cannot have lost anything."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from enum import Enum

from timesheets_files.dates import DateFormat, compile_reader
from timesheets_files.members import ENTRY_ID, REASON, REVISION, RowMalformed, Unfit
from timesheets_files.rows import Members, RowReader, read_header


class Kind(Enum):
    """The kind of a cell's value, in the words of the messages."""

    TEXT = "a text"
    NUMBER = "a number"
    BOOLEAN = "a boolean"
    DATE = "a date"
    DURATION = "a time of day or duration"
    ERROR = "an error"
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

ADVICE = {
    "date": "format it as a date, or write it as text such as 2026-04-03",
    "hours": "write the hours as a number such as 7.5",
    REVISION: "write the revision as a whole number such as 2",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetRow:
    number: int
    is_hidden: bool
    cells: Sequence[Cell]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A sheet with a table. `rows` are those below the header that are not blank."""

    title: str
    is_hidden: bool
    header: Sequence[str]
    rows: Iterator[SheetRow]


def read_sheet(
    sheet: Sheet, date_format: DateFormat, zone: tzinfo | None
) -> Iterator[tuple[int, Members | RowMalformed]]:
    """The number and the members of each row, or why it cannot be read. A real date needs no format.

    Raises HeaderMalformed, DateOrderInDoubt, and what reading the rows raises.
    """
    columns = read_header(sheet.header, 1, sheet.title)
    date_place = columns.index("date")
    dated, written = (
        RowReader(columns, compile_reader(each, zone)) for each in (DateFormat.ISO, date_format)
    )
    for row in sheet.rows:
        cells = [*row.cells, *[EMPTY] * (len(columns) - len(row.cells))]
        texts = [cell.text for cell in cells]
        reader = dated if cells[date_place].kind is Kind.DATE else written
        try:
            members = reader.read(texts, row.number, sheet.title)
        except RowMalformed as error:
            yield row.number, RowMalformed(str(error), "\t".join(texts[: len(row.cells)]))
            continue
        for name, cell in zip(columns, cells, strict=True):
            if cell.kind not in KINDS.get(name, Kind):
                members[name] = Unfit(convert(name, cell), explain(name, cell))
        yield row.number, members


def explain(name: str, cell: Cell) -> str:
    """The reason, without the value, so that rows with the same problem have the same reason."""
    found = f"the cell holds {cell.kind.value}"
    if cell.kind is Kind.TOO_LONG:
        return found
    if cell.kind is Kind.NOT_COMPUTED:
        return f"{found}; open the workbook in a spreadsheet and save it"
    if cell.kind is Kind.NUMBER and name not in ADVICE:
        found += ", which may have lost leading zeros"
    return f"{found}; {ADVICE.get(name, 'format the column as text and write it again')}"


def convert(name: str, cell: Cell) -> object:
    """A value that is refused as well, in case it is not corrected."""
    if cell.kind is Kind.NUMBER:
        return Decimal(cell.text)
    if cell.kind is Kind.BOOLEAN:
        return cell.text == "true"
    # Null would mean that the entry has none.
    return "" if name in (REVISION, REASON) else None
