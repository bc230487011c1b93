"""Read the entries of an Excel workbook."""

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from typing import BinaryIO
from xml.parsers.expat import ExpatError

from timesheets_client.errors import InputUnreadable
from timesheets_client.printable import quote
from timesheets_client.reading.entries import COLUMNS, InputItem, InputWarning
from timesheets_client.reading.maps.rows import EntryMap
from timesheets_client.reading.rows import read_header
from timesheets_client.reading.temporary_copies import explain_full_disk
from timesheets_client.reading.workbook_cells import CellReader
from timesheets_client.reading.workbook_package import MAX_BYTES_IN_MEMORY, ROWS, TRUE, Copy, Package, Sheet
from timesheets_client.reading.workbook_values import Cell, Kind, MappedCells, make_entry
from timesheets_client.reading.workbook_xml import WorkbookUnreadable

MAX_TITLES_SHOWN = 20
# As in Excel.
MAX_ROWS = 1_048_576
# zipfile, zlib, expat and conversions raise these for a damaged or hostile file.
DAMAGE_ERRORS = (
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    number: int
    is_hidden: bool
    cells: Sequence[Cell]


def read_workbook(
    file: BinaryIO,
    name: str,
    zone: tzinfo | None,
    entry_map: EntryMap | None = None,
    chosen: Sequence[str] = (),
) -> Iterator[InputItem]:
    """The rows of each sheet whose first row names a column of an entry, or of the map.

    If sheets are chosen by title, only they are read, and each must have such a row.
    Raises InputUnreadable, or TemporaryFailure without disk space for a copy.
    """
    try:
        with explain_full_disk(name), Copy(MAX_BYTES_IN_MEMORY) as copy:
            copy.fill(file)
            yield from read_copy(copy, name, zone, entry_map, chosen)
    except WorkbookUnreadable as error:
        raise InputUnreadable(f"{name}: {error}") from None


def read_copy(
    copy: Copy, name: str, zone: tzinfo | None, entry_map: EntryMap | None, chosen: Sequence[str]
) -> Iterator[InputItem]:
    try:
        yield from read_sheets(Package(copy), name, zone, entry_map, chosen)
    except DAMAGE_ERRORS as error:
        raise WorkbookUnreadable(
            "is not a complete Excel workbook (.xlsx); save it again, or as CSV UTF-8"
        ) from error


def read_sheets(
    package: Package, name: str, zone: tzinfo | None, entry_map: EntryMap | None, chosen: Sequence[str]
) -> Iterator[InputItem]:
    cells = CellReader(package)
    suspicions: dict[str, str] = {}
    has_entries = False
    for sheet in choose_sheets(package.find_sheets(), chosen):
        rows = read_rows(package, sheet, cells)
        source = f"{name}!{sheet.title}"
        make = find_reader(next(rows, None), source, zone, entry_map)
        if make is None:
            if chosen:
                raise InputUnreadable(f"{source}: its first row does not name {describe_columns(entry_map)}")
            continue
        has_entries = True
        if sheet.is_hidden and not chosen:
            suspicions.setdefault("a hidden sheet was read too", sheet.title)
        for row in rows:
            note_suspicions(row, f"{sheet.title}:{row.number}", suspicions)
            yield make(f"{source}:{row.number}", row.cells)
    if not has_entries:
        raise InputUnreadable(f"{name}: no sheet has a first row that names {describe_columns(entry_map)}")
    if suspicions:
        reasons = [f"{reason} (first: {place})" for reason, place in suspicions.items()]
        yield InputWarning(source=name, reasons=reasons)


def choose_sheets(sheets: Sequence[Sheet], chosen: Sequence[str]) -> Sequence[Sheet]:
    """The chosen sheets, in the order of the workbook; without a choice, all. Raises WorkbookUnreadable."""
    titles = [sheet.title for sheet in sheets]
    if unknown := [title for title in chosen if title not in titles]:
        more = len(titles) - MAX_TITLES_SHOWN
        listed = ", ".join(map(quote, titles[:MAX_TITLES_SHOWN])) + (f" and {more} more" if more > 0 else "")
        raise WorkbookUnreadable(f"has no sheet {', '.join(map(quote, unknown))}; its sheets are {listed}")
    return [sheet for sheet in sheets if sheet.title in chosen] if chosen else sheets


def describe_columns(entry_map: EntryMap | None) -> str:
    return f"a column of {entry_map.name}" if entry_map else f"the columns {', '.join(COLUMNS)}"


def note_suspicions(row: Row, place: str, suspicions: dict[str, str]) -> None:
    """Adds each reason to be suspicious of the row, unless an earlier place has the same reason."""
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


def find_reader(
    first: Row | None, source: str, zone: tzinfo | None, entry_map: EntryMap | None
) -> Callable[[str, Sequence[Cell]], InputItem] | None:
    """A function for the rows of a sheet, if its first row names a column of ours. Raises InputUnreadable."""
    if first is None or first.number > 1:
        return None
    texts = [cell.text for cell in first.cells]
    if entry_map:
        return MappedCells(entry_map, texts, f"{source}:1").make_entry if entry_map.knows(texts) else None
    if not any(text.strip() in COLUMNS for text in texts):
        return None
    return partial(make_entry, header=read_header(texts, f"{source}:1"), zone=zone)
