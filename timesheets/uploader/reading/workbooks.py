"""Read the sheets of an Excel workbook."""

import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from shutil import copyfileobj
from typing import TYPE_CHECKING, BinaryIO, cast

from timesheets.uploader.errors import InputUnreadable
from timesheets.uploader.reading.entries import COLUMNS, WHOLE_ENTRY, Entry, Rejected
from timesheets.uploader.reading.rows import Header, RowUnreadable, read_header, read_row

if TYPE_CHECKING:
    from openpyxl.cell.read_only import ReadOnlyCell

BYTES_KEPT_IN_MEMORY = 16 * 1024 * 1024


def read_workbook(file: BinaryIO, name: str, zone: tzinfo | None) -> Iterator[Entry | Rejected]:
    """Each row of each sheet that names our columns. Other sheets are somebody's notes.

    Raises InputUnreadable.
    """
    # Slow to import, and few uploads are workbooks.
    from openpyxl import load_workbook

    with tempfile.SpooledTemporaryFile(BYTES_KEPT_IN_MEMORY) as copy:
        # A workbook is read from its end, which pipes and gzip can't do.
        copyfileobj(file, copy)
        try:
            workbook = load_workbook(copy, read_only=True, data_only=True)
        except (zipfile.BadZipFile, KeyError, ValueError, OSError):
            raise InputUnreadable(
                f"{name}: is not a whole Excel workbook (.xlsx); save it again, or as CSV UTF-8"
            ) from None
        found = False
        for sheet in workbook.worksheets:
            rows = sheet.iter_rows()
            cells = cast("Sequence[ReadOnlyCell]", next(rows, ()))
            source = f"{name}!{sheet.title}"
            if not names_a_column(cells):
                continue
            found = True
            header = read_header([read_text(cell) for cell in cells], f"{source}:1")
            yield from read_sheet(cast("Iterator[Sequence[ReadOnlyCell]]", rows), source, header, zone)
        if not found:
            raise InputUnreadable(
                f"{name}: no sheet has a first row that names the columns {', '.join(COLUMNS)}"
            )


def names_a_column(cells: Sequence["ReadOnlyCell"]) -> bool:
    return any(read_text(cell).strip() in COLUMNS for cell in cells)


def read_sheet(
    rows: Iterator[Sequence["ReadOnlyCell"]], source: str, header: Header, zone: tzinfo | None
) -> Iterator[Entry | Rejected]:
    for number, cells in enumerate(rows, start=2):
        if any(cell.value is not None for cell in cells):
            yield judge_row(f"{source}:{number}", cells, header, zone)


def judge_row(
    source: str, cells: Sequence["ReadOnlyCell"], header: Header, zone: tzinfo | None
) -> Entry | Rejected:
    # Short rows are those whose last cells are empty.
    texts = [read_text(cell) for cell in cells]
    texts += [""] * (len(header.names) - len(texts))
    try:
        members = header.name_cells(texts)
        require_text(header, cells)
    except RowUnreadable as error:
        return Rejected(
            source=source,
            errors={error.name: [str(error)]},
            members={name: text for name, text in zip(header.names, texts, strict=False) if name},
        )
    return read_row(source, members, zone)


def require_text(header: Header, cells: Sequence["ReadOnlyCell"]) -> None:
    for name, cell in zip(header.names, cells, strict=False):
        if name not in ("date", "hours", "") and isinstance(cell.value, int | float):
            raise RowUnreadable(
                name or WHOLE_ENTRY,
                f"the cell holds the number {read_text(cell)}, which has lost its leading zeros if it had "
                "any; format the column as text and write it again",
            )


def read_text(cell: "ReadOnlyCell") -> str:
    """What the cell shows, as far as our columns go: dates as ISO has them, numbers with a point."""
    value = cell.value
    if isinstance(value, datetime):
        has_time = "h" in (cell.number_format or "").lower() or value.time() != time()
        return value.isoformat("T", "auto") if has_time else value.date().isoformat()
    if isinstance(value, date | time | timedelta):
        return str(value)
    if isinstance(value, float):
        # Excel computes with 15 digits; what follows them is noise.
        return f"{value:.15g}"
    return "" if value is None else str(value)
