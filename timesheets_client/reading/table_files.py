"""Read CSV and workbooks: rows, with or without a map, as entries and rejects."""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, BinaryIO

from timesheets_client.errors import TemporaryFailure
from timesheets_client.reading.entries import InputEntry, InputItem, InputWarning, RejectedEntry, reject_text
from timesheets_files.csv_rows import UTF_8, open_csv, read_entries, read_rows
from timesheets_files.dates import DateFormat, compile_reader
from timesheets_files.limits import HOURS_TEXT, find_faults
from timesheets_files.members import RowMalformed, Unfit
from timesheets_files.printable import quote
from timesheets_files.rows import Members

if TYPE_CHECKING:
    from timesheets_client.reading.maps.rows import EntryMap
    from timesheets_files.workbook_values import Sheet, SheetRow

OUT_OF_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """The options for tables: the map, if any, and the sheets of a workbook to read, if not all."""

    time_zone: tzinfo | None = None
    date_format: DateFormat = DateFormat.ISO
    entry_map: "EntryMap | None" = None
    sheets: Sequence[str] = ()


def read_csv(file: BinaryIO, name: str, options: TableOptions) -> Iterator[InputItem]:
    """The rows below the header. Raises FileUnreadable."""
    entry_map = options.entry_map
    with open_csv(file, entry_map.encoding if entry_map else UTF_8) as table:
        if entry_map:
            reader = entry_map.open_table(table.header, table.line)
            for line, item in read_rows(table, lambda cells, line: reader.read(f"{name}:{line}", cells)):
                yield make_item(f"{name}:{line}", item) if isinstance(item, RowMalformed) else item
        else:
            for line, row in read_entries(table, compile_reader(options.date_format, options.time_zone)):
                yield make_item(f"{name}:{line}", row)
        if table.is_cut:
            yield InputWarning(source=name, reasons=["the last line has no line ending; was the file cut?"])


def read_xlsx(file: BinaryIO, name: str, options: TableOptions) -> Iterator[InputItem]:
    """The rows of the sheets. Raises FileUnreadable, or TemporaryFailure without disk space for a copy."""
    # Only workbooks need openpyxl and XML, and importing them takes longer than uploading a small file.
    from timesheets_files.workbooks import OUR_COLUMNS, names_column, read_sheets

    suspicions: dict[str, str] = {}
    is_ours, columns = names_column, OUR_COLUMNS
    if options.entry_map:
        is_ours, columns = options.entry_map.knows, f"a column of {options.entry_map.name}"
    with explain_full_disk(name):
        for sheet in read_sheets(file, options.sheets, is_ours, columns):
            if sheet.is_hidden and not options.sheets:
                suspicions.setdefault("a hidden sheet was read too", sheet.title)
            sheet = replace(sheet, rows=note_suspicions(sheet, suspicions))
            yield from read_sheet_items(sheet, f"{name}!{sheet.title}", options)
    if suspicions:
        reasons = [f"{reason} (first: {place})" for reason, place in suspicions.items()]
        yield InputWarning(source=name, reasons=reasons)


def read_sheet_items(sheet: "Sheet", source: str, options: TableOptions) -> Iterator[InputItem]:
    from timesheets_client.reading.maps.rows import read_mapped_sheet
    from timesheets_files.workbook_values import read_sheet

    if options.entry_map:
        yield from read_mapped_sheet(options.entry_map, sheet, source)
        return
    for number, row in read_sheet(sheet, options.date_format, options.time_zone):
        yield make_item(f"{source}:{number}", row)


def note_suspicions(sheet: "Sheet", suspicions: dict[str, str]) -> "Iterator[SheetRow]":
    """The rows. Adds each reason to be suspicious of one, unless an earlier place has the same reason."""
    from timesheets_files.workbook_values import Kind

    for row in sheet.rows:
        if row.is_hidden:
            suspicions.setdefault("hidden rows were read too", f"{sheet.title}:{row.number}")
        if any(cell.kind is Kind.NOT_COMPUTED for cell in row.cells):
            suspicions.setdefault("formulas have no stored value", f"{sheet.title}:{row.number}")
        yield row


@contextmanager
def explain_full_disk(name: str) -> Iterator[None]:
    """Raise TemporaryFailure in place of an OSError for lack of space for a copy."""
    try:
        yield
    except OSError as error:
        if error.errno not in OUT_OF_SPACE:
            raise
        raise TemporaryFailure(
            f"{name}: there is no space for a temporary copy of it; free some and run it again, or set TMPDIR"
        ) from None


def make_item(source: str, row: Members | RowMalformed) -> InputEntry | RejectedEntry:
    """The entry in a row, for the API to judge; if a cell cannot be read, all that is wrong with the row."""
    if isinstance(row, RowMalformed):
        # With an escape such as `\\xfc` for each byte that is no character.
        text = row.text.encode(errors="surrogateescape").decode(errors="backslashreplace")
        return reject_text(source, str(row), text)
    errors: dict[str, object] = {}
    for name, value in row.items():
        if isinstance(value, Unfit):
            row[name], errors[name] = value.sent, [value.reason]
    hours = row["hours"]
    if isinstance(hours, str) and HOURS_TEXT.fullmatch(hours):
        row["hours"] = Decimal(hours)
    elif isinstance(hours, str):
        errors["hours"] = [f"{quote(hours)} is not a decimal number such as 7.5"]
    if errors:
        return RejectedEntry(source=source, errors={**find_faults(row), **errors}, members=row)
    return InputEntry(source=source, members=row)
