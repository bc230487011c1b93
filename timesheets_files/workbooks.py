"""Open an Excel workbook, and read the rows of its sheets."""

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO
from xml.parsers.expat import ExpatError

from timesheets_files.members import COLUMNS, FileUnreadable, HeaderMalformed
from timesheets_files.rows import join_names
from timesheets_files.workbook_cells import CellReader
from timesheets_files.workbook_package import (
    MAX_BYTES_IN_MEMORY,
    MAX_UNPACKED_BYTES,
    ROWS,
    TRUE,
    Copy,
    Package,
    SheetPart,
)
from timesheets_files.workbook_values import Sheet, SheetRow

OUR_COLUMNS = f"the columns {', '.join(COLUMNS)}"
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


def names_column(header: Sequence[str]) -> bool:
    """Whether the first row of a sheet names a column of an entry."""
    return any(text.lower() in COLUMNS for text in header)


def read_sheets(
    file: BinaryIO,
    chosen: Sequence[str] = (),
    is_ours: Callable[[Sequence[str]], bool] = names_column,
    columns: str = OUR_COLUMNS,
    max_bytes: int = MAX_UNPACKED_BYTES,
) -> Iterator[Sheet]:
    """Each sheet whose first row is ours: by default, one that names a column of an entry.

    If sheets are chosen by title, only they are read, and each must have such a row. `columns` describes it.
    The rows of a sheet must be read before the next sheet. At most `max_bytes` are unpacked. Raises
    FileUnreadable, FileTooLarge, or OSError without disk space for a copy.
    """
    with Copy(MAX_BYTES_IN_MEMORY) as copy:
        copy.fill(file)
        with explain_damage():
            package = Package(copy, max_bytes)
            cells = CellReader(package)
            has_table = False
            for part in choose_sheets(package.find_sheets(), chosen):
                rows = read_rows(package, part, cells)
                first = next(rows, None)
                header = [cell.text for cell in first.cells] if first and first.number == 1 else []
                if is_ours(header):
                    has_table = True
                    yield Sheet(title=part.title, is_hidden=part.is_hidden, header=header, rows=rows)
                elif chosen:
                    raise HeaderMalformed(f"its first row does not name {columns}", sheet=part.title)
            if not has_table:
                raise HeaderMalformed(f"no sheet has a first row that names {columns}")


@contextmanager
def explain_damage() -> Iterator[None]:
    """Raise FileUnreadable in place of what other packages raise."""
    try:
        yield
    except DAMAGE_ERRORS as error:
        raise FileUnreadable(
            "is not a complete Excel workbook (.xlsx); save it again, or as CSV UTF-8"
        ) from error


def choose_sheets(sheets: Sequence[SheetPart], chosen: Sequence[str]) -> Sequence[SheetPart]:
    """The chosen sheets, in the order of the workbook; without a choice, all. Raises FileUnreadable."""
    titles = [sheet.title for sheet in sheets]
    if unknown := [title for title in chosen if title not in titles]:
        raise FileUnreadable(f"has no sheet {join_names(unknown)}; its sheets are {join_names(titles)}")
    return [sheet for sheet in sheets if sheet.title in chosen] if chosen else sheets


def read_rows(package: Package, part: SheetPart, cells: CellReader) -> Iterator[SheetRow]:
    number = 0
    with explain_damage():
        for element in package.read_part(part.part, ROWS):
            before, number = number, int(element.get("r", number + 1))
            if number <= before:
                raise FileUnreadable(f"row {number} comes after row {before}")
            if number > MAX_ROWS:
                problem = f"a sheet has at most {MAX_ROWS:,} rows, and this one has row {number}"
                raise FileUnreadable(problem)
            if found := cells.read_row(element):
                yield SheetRow(number=number, is_hidden=element.get("hidden") in TRUE, cells=found)
