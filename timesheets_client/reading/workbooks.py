"""Read the entries of an Excel workbook."""

import errno
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from typing import BinaryIO
from xml.parsers.expat import ExpatError

from timesheets_client.errors import InputUnreadable, TemporaryFailure
from timesheets_client.reading.entries import (
    COLUMNS,
    ENTRY_ID,
    WHOLE_ENTRY,
    InputEntry,
    InputItem,
    InputWarning,
    Malformed,
    RejectedEntry,
)
from timesheets_client.reading.rows import name_cells, read_header, read_row
from timesheets_client.reading.workbook_cells import EMPTY, Cell, CellReader, Kind
from timesheets_client.reading.workbook_package import ROWS, TRUE, Copy, Package, Sheet
from timesheets_client.reading.workbook_xml import WorkbookUnreadable

# As in Excel.
MAX_ROWS = 1_048_576
OUT_OF_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# What zipfile, zlib, expat and conversions raise for a file that is damaged or made to harm.
DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ExpatError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    ValueError,
)

TEXTS = {Kind.TEXT, Kind.EMPTY}
ANY = set(Kind)
# Each column takes only the kinds of cells that cannot have lost anything.
KINDS: Mapping[str, set[Kind]] = {
    "user_id": TEXTS,
    "date": TEXTS | {Kind.DATE},
    "project": TEXTS,
    "hours": TEXTS | {Kind.NUMBER},
    ENTRY_ID: TEXTS,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    number: int
    is_hidden: bool
    cells: Sequence[Cell]


def read_workbook(file: BinaryIO, name: str, zone: tzinfo | None) -> Iterator[InputItem]:
    """Each row of each sheet whose first row names a column of an entry. Other sheets are notes.

    Raises InputUnreadable, or TemporaryFailure without space for a copy.
    """
    try:
        with Copy() as copy:
            copy.fill(file)
            yield from read_copy(copy, name, zone)
    except WorkbookUnreadable as error:
        raise InputUnreadable(f"{name}: {error}") from None
    except OSError as error:
        if error.errno not in OUT_OF_SPACE:
            raise
        raise TemporaryFailure(
            f"{name}: there is no space for a temporary copy of it; run it again when there is, or set TMPDIR"
        ) from None


def read_copy(copy: Copy, name: str, zone: tzinfo | None) -> Iterator[InputItem]:
    try:
        yield from read_sheets(Package(copy), name, zone)
    except DAMAGES as error:
        raise WorkbookUnreadable(
            "is not a whole Excel workbook (.xlsx); save it again, or as CSV UTF-8"
        ) from error


def read_sheets(package: Package, name: str, zone: tzinfo | None) -> Iterator[InputItem]:
    cells = CellReader(package)
    suspicions: dict[str, str] = {}
    has_entries = False
    for sheet in package.find_sheets():
        rows = read_rows(package, sheet, cells)
        source = f"{name}!{sheet.title}"
        header = find_header(next(rows, None), source)
        if header is None:
            continue
        has_entries = True
        if sheet.is_hidden:
            suspicions.setdefault("a hidden sheet was read too", sheet.title)
        for row in rows:
            note_suspicions(row, f"{sheet.title}:{row.number}", suspicions)
            yield make_entry(f"{source}:{row.number}", row.cells, header, zone)
    if not has_entries:
        raise InputUnreadable(f"{name}: no sheet has a first row that names the columns {', '.join(COLUMNS)}")
    if suspicions:
        reasons = [f"{reason} (first: {place})" for reason, place in suspicions.items()]
        yield InputWarning(source=name, reasons=reasons)


def note_suspicions(row: Row, place: str, suspicions: dict[str, str]) -> None:
    """Adds the reasons for a warning about a row, each with the first place where it applies."""
    if row.is_hidden:
        suspicions.setdefault("hidden rows were read too", place)
    if any(cell.kind is Kind.NOT_COMPUTED for cell in row.cells):
        suspicions.setdefault("formulas have no stored value", place)


def read_rows(package: Package, sheet: Sheet, cells: CellReader) -> Iterator[Row]:
    """The rows of a sheet that are not empty."""
    number = 0
    for element in package.read_part(sheet.part, ROWS):
        before, number = number, int(element.get("r", number + 1))
        if number <= before:
            raise WorkbookUnreadable(f"row {number} comes after row {before}")
        if number > MAX_ROWS:
            raise WorkbookUnreadable(f"a sheet has at most {MAX_ROWS:,} rows, and this one has row {number}")
        if found := cells.read_row(element):
            yield Row(number=number, is_hidden=element.get("hidden") in TRUE, cells=found)


def find_header(row: Row | None, source: str) -> Sequence[str] | None:
    """The names of the columns, if the first row names one of ours. Raises InputUnreadable."""
    if row is None or row.number > 1:
        return None
    texts = [cell.text for cell in row.cells]
    names_ours = any(text.strip() in COLUMNS for text in texts)
    return read_header(texts, f"{source}:1") if names_ours else None


def make_entry(
    source: str, found: Sequence[Cell], header: Sequence[str], zone: tzinfo | None
) -> InputEntry | RejectedEntry:
    cells = [*found, *[EMPTY] * (len(header) - len(found))]
    pairs = [(name, cell) for name, cell in zip(header, cells, strict=False) if name]
    wrong = {name: cell for name, cell in pairs if cell.kind not in KINDS.get(name, ANY)}
    # As what they are, so that the API refuses them too if nobody corrects them.
    values = {name: write_value(cell) for name, cell in wrong.items()}
    try:
        texts = name_cells(header, [cell.text for cell in cells])
    except Malformed as error:
        members = {name: cell.text for name, cell in pairs}
        return RejectedEntry(source=source, errors={WHOLE_ENTRY: [str(error)]}, members={**members, **values})
    read = read_row(source, texts, zone)
    if not wrong:
        return read
    errors = dict(read.errors) if isinstance(read, RejectedEntry) else {}
    errors |= {name: [explain(name, cell)] for name, cell in wrong.items()}
    return RejectedEntry(source=source, errors=errors, members={**read.members, **values})


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
    if cell.kind is Kind.NUMBER:
        found += ", which has lost its leading zeros if it had any"
    return f"{found}; format the column as text and write it again"


def write_value(cell: Cell) -> object:
    if cell.kind is Kind.NUMBER:
        return Decimal(cell.text)
    return cell.text == "true" if cell.kind is Kind.BOOLEAN else None
