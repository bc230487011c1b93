"""Read CSV as spreadsheets save it."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import BinaryIO

from timesheets.uploader.errors import InputUnreadable
from timesheets.uploader.reading.entries import REJECTED, WHOLE_ENTRY, Entry, Rejected, reject_whole
from timesheets.uploader.reading.rows import Header, RowUnreadable, read_header, read_row

DELIMITERS = ",;\t"
CHARACTERS_OF_A_LINE_AT_MOST = 1024 * 1024

# Python's words for what is wrong with a row are about its parameters.
FAULTS = {
    "unexpected end of data": "a quote is never closed",
    "expected after": "text follows a closing quote",
    "field larger than": "a cell is too long; is a quote never closed?",
}


class Lines:
    """The lines of a text; counts them, and keeps those of the row that is being read."""

    def __init__(self, text: io.TextIOWrapper, name: str) -> None:
        self.number = 0
        self.row: list[str] = []
        self._text, self._name = text, name

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(CHARACTERS_OF_A_LINE_AT_MOST)
        if not line:
            raise StopIteration
        if len(line) == CHARACTERS_OF_A_LINE_AT_MOST:
            raise InputUnreadable(f"{self._name}:{self.number + 1}: this line is over 1 MiB; is it CSV?")
        self.number += 1
        self.row.append(line)
        return line


def read_csv(file: BinaryIO, name: str, zone: tzinfo | None) -> Iterator[Entry | Rejected]:
    """Each row below the header. Raises InputUnreadable where there is no header of ours."""
    # Bytes that are not UTF-8 come as half surrogates, so that only their own row is refused.
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield from read_rows(Lines(text, name), name, zone)
    finally:
        # It would close the file with itself.
        text.detach()


def read_rows(lines: Lines, name: str, zone: tzinfo | None) -> Iterator[Entry | Rejected]:
    delimiter, header = find_header(lines, name)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        source = f"{name}:{lines.number + 1}"
        lines.row.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reject_whole(source, f"this row is not CSV: {explain(error)}", join(lines.row))
            continue
        if any(cells):
            yield judge_row(source, header, cells, zone, delimiter, lines)


def find_header(lines: Lines, name: str) -> tuple[str, Header]:
    """What separates the columns, and their names."""
    line = next((line for line in lines if line.strip()), None)
    if line is None:
        raise InputUnreadable(f"{name}: holds nothing but blank lines; the first row must name the columns")
    delimiter = max(DELIMITERS, key=line.count)
    try:
        [cells] = csv.reader([line], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError):
        raise InputUnreadable(f"{name}:{lines.number}: the first row is not CSV") from None
    return delimiter, read_header(cells, f"{name}:{lines.number}")


def judge_row(
    source: str, header: Header, cells: Sequence[str], zone: tzinfo | None, delimiter: str, lines: Lines
) -> Entry | Rejected:
    try:
        require_utf8(cells)
        members = header.name_cells(cells)
    except RowUnreadable as error:
        return reject_whole(source, str(error), join(lines.row))
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
        (words for part, words in FAULTS.items() if part in str(error)), "it breaks a rule of RFC 4180"
    )
