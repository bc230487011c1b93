"""Split CSV as spreadsheets save it into rows of trimmed cells, with the lines on which they begin."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO, TypeVar

from timesheets_files.members import HeaderMalformed, RowMalformed
from timesheets_files.rows import Members, ReadDate, RowReader, read_header

T = TypeVar("T")

DELIMITERS = ",;\t"
MAX_ROW_LENGTH = 1024 * 1024
UTF_8 = "utf-8"
# Spreadsheets take the delimiter from such a first line.
SEPARATOR_LINE = re.compile(r'"?sep=([^"\r\n])"?\s*', re.IGNORECASE)
# The surrogates that take the place of bytes that are no characters (PEP 383).
INVALID_BYTE = re.compile("[\udc80-\udcff]")

# At Python's own limit for a cell, the rest of the cell would become rows.
csv.field_size_limit(MAX_ROW_LENGTH + 1)


def compile_rows(delimiter: str) -> re.Pattern[str]:
    """Return a pattern of rows whose quotes enclose cells or are doubled (RFC 4180, section 2)."""
    # Python does not check it. Possessive quantifiers prevent backtracking.
    cell = rf'(?:"(?:[^"]++|"")*+"|[^"{re.escape(delimiter)}\r\n]*+)'
    return re.compile(rf"{cell}(?:{re.escape(delimiter)}{cell})*+[\r\n]*")


class CSVTable:
    """The rows of a text below its first one, the header.

    `line` is the number of the last line that was read, and `is_cut` if it has no ending.
    """

    def __init__(self, text: io.TextIOWrapper, encoding: str, *, keeps_empty: bool) -> None:
        """Read the first row, or raise FileUnreadable. `keeps_empty` keeps rows of several empty cells."""
        self._keeps_empty = keeps_empty
        self.line = 0
        self.is_cut = False
        self.delimiter = ""
        self._wrong_byte = (
            'is not UTF-8; save the file as "CSV UTF-8" and send that'
            if encoding == UTF_8
            else f"is no character of {encoding}, the encoding of the map"
        )
        self._read_line = partial(text.readline, MAX_ROW_LENGTH + 1)
        self.header = self._find_header()

    def __iter__(self) -> Iterator[tuple[int, list[str] | RowMalformed]]:
        """The line and the cells of each row that is not blank, or why it cannot be read."""
        read_line, delimiter = self._read_line, self.delimiter
        line = ""
        while next_line := read_line():
            line = next_line
            self.line = number = self.line + 1
            is_plain = '"' not in line and (line.isascii() or not INVALID_BYTE.search(line))
            if not is_plain or len(line) > MAX_ROW_LENGTH:
                row = self._read_row(line)
            else:
                row = [cell.strip() for cell in line.split(delimiter)]
            if isinstance(row, RowMalformed) or any(row) or (self._keeps_empty and len(row) > 1):
                yield number, row
        self.is_cut = self.is_cut or (bool(line) and not line.endswith(("\n", "\r")))

    def _find_header(self) -> list[str]:
        while line := self._read_line():
            self.line += 1
            if not line.strip():
                continue
            if not self.delimiter and (choice := SEPARATOR_LINE.fullmatch(line)):
                self.delimiter = choice[1]
                continue
            self.delimiter = self.delimiter or max(DELIMITERS, key=line.count)
            self._whole_quotes = compile_rows(self.delimiter)
            number = self.line
            row = self._read_row(line)
            if isinstance(row, RowMalformed):
                raise HeaderMalformed(f"the first row cannot be read: {row}", number)
            return row
        raise HeaderMalformed("there are only blank lines; the first row must name the columns")

    def _read_row(self, first: str) -> list[str] | RowMalformed:
        """The cells of the row that begins with this line."""
        if first.isascii() and len(first) <= MAX_ROW_LENGTH:
            # If all cells are in quotes, this takes half of the time.
            text = first.rstrip("\r\n")
            cells = text[1:-1].split(f'"{self.delimiter}"')
            if text[:1] == text[-1:] == '"' and text.count('"') == 2 * len(cells):
                return [cell.strip() for cell in cells]
        lines = [first]
        problem = ""
        try:
            cells = next(csv.reader(self._follow(lines), delimiter=self.delimiter, strict=True))
            text = "".join(lines)
            if '"' in "".join(cells) and not self._whole_quotes.fullmatch(text):
                problem = "this row is not CSV: a cell without quotes contains a quote"
            elif byte := INVALID_BYTE.search(text):
                problem = f"byte 0x{ord(byte[0]) - 0xDC00:02x} {self._wrong_byte}"
        except csv.Error as error:
            # Python's messages name its parameters.
            is_open = "unexpected end" in str(error)
            reason = "a quote is never closed" if is_open else "text follows a closing quote"
            problem = f"this row is not CSV: {reason}"
        except RowMalformed as error:
            self._skip_row(lines)
            problem = str(error)
        self.is_cut = not lines[-1].endswith(("\n", "\r"))
        if problem:
            return RowMalformed(problem, "".join(lines)[:MAX_ROW_LENGTH].rstrip("\r\n"))
        return [cell.strip() for cell in cells]

    def _follow(self, lines: list[str]) -> Iterator[str]:
        """The lines of a row that begins with `lines`, as far as they are needed. Adds them to `lines`.

        Raises RowMalformed if the row goes on beyond the limit.
        """
        size = len(lines[0])
        while size <= MAX_ROW_LENGTH:
            yield lines[-1]
            if not (line := self._read_line()):
                return
            self.line += 1
            lines.append(line)
            size += len(line)
        raise RowMalformed("this row is over 1 MiB")

    def _skip_row(self, lines: list[str]) -> None:
        """Read to the end of a row, in which each line may be a part of one."""
        is_open = sum(line.count('"') for line in lines) % 2 == 1
        while is_open or not lines[-1].endswith(("\n", "\r")):
            is_new_line = lines[-1].endswith(("\n", "\r"))
            if not (line := self._read_line()):
                return
            self.line += is_new_line
            is_open ^= line.count('"') % 2 == 1
            lines[-1] = line


@contextmanager
def open_csv(file: BinaryIO, encoding: str = UTF_8, *, keeps_empty: bool = False) -> Iterator[CSVTable]:
    """The table in a file. Raises HeaderMalformed without a first row."""
    # Bytes that are no characters become lone surrogates, so that only their own row is refused.
    text = io.TextIOWrapper(
        file, encoding=encoding.replace(UTF_8, "utf-8-sig"), errors="surrogateescape", newline=""
    )
    try:
        yield CSVTable(text, encoding, keeps_empty=keeps_empty)
    finally:
        # Otherwise its end would close the file.
        text.detach()


def read_entries(table: CSVTable, read_date: ReadDate) -> Iterator[tuple[int, Members | RowMalformed]]:
    """The line and the members of each row, or why it cannot be read.

    Raises HeaderMalformed and DateOrderInDoubt.
    """
    decimal = "," if table.delimiter in ";\t" else "."
    return read_rows(table, RowReader(read_header(table.header, table.line), read_date, decimal).read)


def read_rows(table: CSVTable, read: Callable[[list[str], int], T]) -> Iterator[tuple[int, T | RowMalformed]]:
    """The line of each row, and what `read` makes of its cells and line, or why it cannot be read."""
    for line, cells in table:
        if isinstance(cells, RowMalformed):
            yield line, cells
            continue
        try:
            row: T | RowMalformed = read(cells, line)
        except RowMalformed as error:
            row = RowMalformed(str(error), table.delimiter.join(cells))
        yield line, row
