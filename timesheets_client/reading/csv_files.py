"""Read CSV as spreadsheets save it."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import BinaryIO

from timesheets_client.errors import InputUnreadable
from timesheets_client.reading.entries import (
    REJECTED,
    WHOLE_ENTRY,
    InputEntry,
    InputItem,
    InputWarning,
    RejectedEntry,
    reject_text,
)
from timesheets_client.reading.rows import Header, RowUnreadable, read_header, read_row

DELIMITERS = ",;\t"
MAX_ROW_LENGTH = 1024 * 1024
# What spreadsheets understand as the choice of a separator, if it is the first line.
SEPARATOR_LINE = re.compile(r'"?sep=([^"\r\n])"?\s*', re.IGNORECASE)

# Python's words for what is wrong with a row are about its parameters.
CSV_ERRORS = {
    "unexpected end of data": "a quote is never closed",
    "expected after": "text follows a closing quote",
    "field larger than": "a cell is too long; is a quote never closed?",
}


class Lines:
    """The lines of a text; counts them, and keeps those of the row that is being read."""

    def __init__(self, text: io.TextIOWrapper, name: str) -> None:
        self.number = 0
        self.row: list[str] = []
        self.is_cut = False
        self._left = MAX_ROW_LENGTH
        self._text, self._name = text, name

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_ROW_LENGTH)
        if not line:
            raise StopIteration
        self.number += 1
        self._left -= len(line)
        if self._left <= 0:
            raise InputUnreadable(f"{self._name}:{self.number}: this row is over 1 MiB; is it CSV?")
        self.row.append(line)
        self.is_cut = not line.endswith(("\n", "\r"))
        return line

    def begin_row(self) -> None:
        self.row.clear()
        self._left = MAX_ROW_LENGTH


def read_csv(file: BinaryIO, name: str, zone: tzinfo | None) -> Iterator[InputItem]:
    """Each row below the header. Raises InputUnreadable where there is no header of ours."""
    # Bytes that are not UTF-8 come as half surrogates, so that only their own row is refused.
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        lines = Lines(text, name)
        yield from read_rows(lines, name, zone)
        if lines.is_cut:
            yield InputWarning(source=name, reasons=["the last line has no line ending; was the file cut?"])
    finally:
        # It would close the file with itself.
        text.detach()


def read_rows(lines: Lines, name: str, zone: tzinfo | None) -> Iterator[InputItem]:
    delimiter, header = find_header(lines, name)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        source = f"{name}:{lines.number + 1}"
        lines.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reject_text(source, f"this row is not CSV: {explain(error)}", join(lines.row))
            continue
        if any(cells):
            yield make_entry(source, header, cells, zone, delimiter, lines)


def find_header(lines: Lines, name: str) -> tuple[str, Header]:
    """What separates the columns, and their names."""
    line = find_line(lines, name)
    delimiter = max(DELIMITERS, key=line.count)
    if choice := SEPARATOR_LINE.fullmatch(line):
        delimiter = choice[1]
        line = find_line(lines, name)
    try:
        [cells] = csv.reader([line], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError):
        raise InputUnreadable(f"{name}:{lines.number}: the first row is not CSV") from None
    return delimiter, read_header(cells, f"{name}:{lines.number}")


def find_line(lines: Lines, name: str) -> str:
    """The next line that is not blank."""
    line = next((line for line in lines if line.strip()), None)
    if line is None:
        raise InputUnreadable(f"{name}: holds nothing but blank lines; the first row must name the columns")
    return line


def make_entry(
    source: str, header: Header, cells: Sequence[str], zone: tzinfo | None, delimiter: str, lines: Lines
) -> InputEntry | RejectedEntry:
    try:
        require_utf8(cells)
        members = header.name_cells(cells)
    except RowUnreadable as error:
        return reject_text(source, str(error), join(lines.row))
    members.pop(REJECTED, None)
    if delimiter == ";":
        members["hours"] = members["hours"].replace(",", ".", 1)
    return read_row(source, members, zone)


def require_utf8(cells: Sequence[str]) -> None:
    for cell in cells:
        try:
            if not cell.isascii():
                cell.encode()
        except UnicodeEncodeError as error:
            byte = ord(cell[error.start]) - 0xDC00
            reason = f'byte 0x{byte:02x} is not UTF-8; save the file as "CSV UTF-8" and send that'
            raise RowUnreadable(WHOLE_ENTRY, reason) from None


def join(row: Sequence[str]) -> str:
    """The lines of a row as text that can be written to a file, whatever bytes they came from."""
    raw = "".join(row).rstrip("\r\n").encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "backslashreplace")


def explain(error: csv.Error) -> str:
    return next(
        (words for part, words in CSV_ERRORS.items() if part in str(error)), "it breaks a rule of RFC 4180"
    )
