"""Read CSV as spreadsheets save it."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, BinaryIO

from timesheets_client.errors import InputUnreadable
from timesheets_client.reading.entries import InputItem, InputWarning, Malformed, Row, reject_text
from timesheets_client.reading.rows import name_cells, read_header, read_row

if TYPE_CHECKING:
    from timesheets_client.reading.maps.rows import EntryMap

DELIMITERS = ",;\t"
MAX_ROW_LENGTH = 1024 * 1024
UTF_8 = "utf-8"
# Spreadsheets take the delimiter from such a first line.
SEPARATOR_LINE = re.compile(r'"?sep=([^"\r\n])"?\s*', re.IGNORECASE)

# Python's messages name its parameters, so these replace them.
CSV_ERRORS = {
    "unexpected end of data": "a quote is never closed",
    "expected after": "text follows a closing quote",
    "field larger than": "a cell is too long; is a quote never closed?",
}


class Lines:
    """Counts the lines of a text, and keeps those of the current row."""

    def __init__(self, text: io.TextIOWrapper, name: str) -> None:
        self.number = 0
        self._row: list[str] = []
        self.is_cut = False
        self._left = MAX_ROW_LENGTH
        self._text, self._name = text, name

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(MAX_ROW_LENGTH):
            self.number += 1
            self._left -= len(line)
            if self._left <= 0:
                raise InputUnreadable(f"{self._name}:{self.number}: this row is over 1 MiB; is it CSV?")
            self._row.append(line)
            self.is_cut = not line.endswith(("\n", "\r"))
            yield line

    def begin_row(self) -> None:
        self._row.clear()
        self._left = MAX_ROW_LENGTH

    def join_row(self) -> str:
        """The lines of the current row, with an escape such as `\\xfc` for each byte that is no character."""
        row = "".join(self._row).rstrip("\r\n")
        return row.encode(errors="surrogateescape").decode(errors="backslashreplace")


def read_csv(
    file: BinaryIO, name: str, zone: tzinfo | None, entry_map: "EntryMap | None" = None
) -> Iterator[InputItem]:
    """The rows below the header. Raises InputUnreadable if the first row is not a header of entries."""
    encoding = entry_map.encoding if entry_map else UTF_8
    # Bytes that are no characters become lone surrogates, so that only their own row is rejected.
    text = io.TextIOWrapper(
        file, encoding=encoding.replace(UTF_8, "utf-8-sig"), errors="surrogateescape", newline=""
    )
    try:
        lines = Lines(text, name)
        yield from read_rows(lines, name, zone, entry_map)
        if lines.is_cut:
            yield InputWarning(source=name, reasons=["the last line has no line ending; was the file cut?"])
    finally:
        # Otherwise its end would close the file.
        text.detach()


def read_rows(
    lines: Lines, name: str, zone: tzinfo | None, entry_map: "EntryMap | None"
) -> Iterator[InputItem]:
    read: Callable[[str, Sequence[str]], Row]
    encoding = entry_map.encoding if entry_map else UTF_8
    delimiter, header = find_header(lines, name)
    place = f"{name}:{lines.number}"
    if entry_map:
        read = entry_map.open_table(header, place).read
    else:
        read = make_reader(read_header(header, place), delimiter, zone)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        source = f"{name}:{lines.number + 1}"
        lines.begin_row()
        try:
            cells = read_cells(reader, encoding)
            item = read(source, cells) if any(cells) else None
        except StopIteration:
            return
        except Malformed as error:
            item = reject_text(source, str(error), lines.join_row())
        if item:
            yield item


def make_reader(
    header: Sequence[str], delimiter: str, zone: tzinfo | None
) -> Callable[[str, Sequence[str]], Row]:
    """A function that reads the rows of a file whose columns have the names of members."""

    def read(source: str, cells: Sequence[str]) -> Row:
        named = name_cells(header, cells)
        if delimiter == ";":
            named["hours"] = named["hours"].replace(",", ".", 1)
        return read_row(source, named, zone)

    return read


def read_cells(reader: Iterator[list[str]], encoding: str) -> list[str]:
    """The cells of the next row. Raises Malformed or StopIteration."""
    try:
        cells = next(reader)
        "".join(cells).encode()
    except csv.Error as error:
        problems = (problem for part, problem in CSV_ERRORS.items() if part in str(error))
        raise Malformed(f"this row is not CSV: {next(problems, 'it violates RFC 4180')}") from None
    except UnicodeEncodeError as error:
        byte = f"byte 0x{ord(error.object[error.start]) - 0xDC00:02x}"
        if encoding != UTF_8:
            raise Malformed(f"{byte} is no character of {encoding}, the encoding of the map") from None
        raise Malformed(f'{byte} is not UTF-8; save the file as "CSV UTF-8" and send that') from None
    return cells


def find_header(lines: Lines, name: str) -> tuple[str, Sequence[str]]:
    """The delimiter and the cells of the first row. Raises InputUnreadable."""
    delimiter = ""
    for line in filter(str.strip, lines):
        if not delimiter and (choice := SEPARATOR_LINE.fullmatch(line)):
            delimiter = choice[1]
            continue
        delimiter = delimiter or max(DELIMITERS, key=line.count)
        try:
            [cells] = csv.reader([line], delimiter=delimiter, strict=True)
        except (csv.Error, ValueError):
            raise InputUnreadable(f"{name}:{lines.number}: the first row is not CSV") from None
        return delimiter, cells
    raise InputUnreadable(f"{name}: has only blank lines; the first row must name the columns")
