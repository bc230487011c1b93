"""Read entries from CSV, strictly by RFC 4180."""

import csv
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Self

REQUIRED_COLUMNS = ("user_id", "date", "project", "hours")
OPTIONAL_COLUMNS = ("entry_id", "revision", "reason")
# Why the API refused the row before. It writes such files, and reads them when they are corrected.
ERRORS_COLUMN = "errors"
# The only column whose cells are numbers and nothing else. Hours may also be text in JSON.
_NUMBER_COLUMN = "revision"
_DIGITS = re.compile(r"\d+", re.ASCII)

# RFC 4180, section 2. Python's reader accepts a quote in an unquoted cell. Possessive quantifiers
# prevent backtracking.
_CELL = r'(?:"(?:[^"]++|"")*+"|[^",\r\n]*+)'
_RECORD = re.compile(rf"{_CELL}(?:,{_CELL})*+(?:\r?\n)?")
# The surrogates that take the place of bytes that are not UTF-8 (PEP 383).
_INVALID_BYTE = re.compile("[\udc80-\udcff]")

# The limit for the commas in a record and for the lines in a body: each becomes a cell or a row.
MAX_CELLS = 640_000
# Enough to recognize a malformed row, and a token in it.
_MAX_QUOTED_LENGTH = 4000

# The serializer refuses a cell that is too long. At Python's own limit, the rest of the cell becomes rows.
csv.field_size_limit(2**31 - 1)

# What Python's messages mean, most of which are about its own parameters.
_REASONS = {
    "unexpected end of data": "a quote is never closed",
    "expected after": "text follows a closing quote",
    "new-line character": "a carriage return without a line feed",
}


class HeaderMalformed(Exception):
    """The first row is not a valid header. The message says why."""


class TooManyCells(Exception):
    """Too many cells in a record, or lines in the body, to keep them in memory for many callers at once."""


class RowMalformed(Exception):
    """The row is not CSV, or its columns differ from the header. The message says which.

    `text` is the beginning of the row.
    """

    text = ""


def iterate_rows(body: bytes) -> Iterator[tuple[int, dict[str, Any] | RowMalformed]]:
    """The rows below the header as dicts, with a RowMalformed in the place of each malformed row.

    With each comes the number of the line on which it begins, from 1. A BOM and blank rows are skipped, but
    their lines count. An empty cell of an optional column is omitted. A `revision` of digits is a Decimal, as
    in JSON; all other cells are text. Raises HeaderMalformed and TooManyCells.
    """
    if body.count(b"\n") > MAX_CELLS:
        raise TooManyCells
    lines = _Lines(body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="surrogateescape"))
    records = _iterate_records(lines)
    _, first = next(records, (0, None))
    columns = _read_header(first)
    optional = [name for name in (*OPTIONAL_COLUMNS, ERRORS_COLUMN) if name in columns]
    for line, cells in records:
        row = cells if isinstance(cells, RowMalformed) else _name_cells(columns, optional, cells)
        if isinstance(row, RowMalformed):
            row.text = "".join(lines.record)[:_MAX_QUOTED_LENGTH].rstrip("\r\n")
        yield line, row


def _iterate_records(lines: "_Lines") -> Iterator[tuple[int, Sequence[str] | RowMalformed]]:
    """The first line and the cells of each record that is not blank. Invalid UTF-8 is lone surrogates."""
    reader = csv.reader(lines, strict=True)
    while True:
        lines.begin_record()
        first_line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            reasons = (reason for words, reason in _REASONS.items() if words in str(error))
            yield first_line, RowMalformed(f"This row is not CSV: {next(reasons, 'it violates RFC 4180')}.")
            continue
        if cells is None:
            return
        if any('"' in cell for cell in cells) and not _RECORD.fullmatch("".join(lines.record)):
            yield first_line, RowMalformed("This row is not CSV: a cell without quotes contains a quote.")
        elif cells:
            yield first_line, cells


class _Lines:
    """Iterates over the lines of a text and keeps those of the current record. Raises TooManyCells."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self.begin_record()

    def begin_record(self) -> None:
        self.record: list[str] = []
        self._commas = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        if self._position >= len(self._text):
            raise StopIteration
        end = self._text.find("\n", self._position) + 1 or len(self._text)
        line = self._text[self._position : end]
        self._position = end
        self._commas += line.count(",")
        if self._commas > MAX_CELLS:
            raise TooManyCells
        self.record.append(line)
        return line


def _read_header(columns: Sequence[str] | RowMalformed | None) -> Sequence[str]:
    if columns is None or isinstance(columns, RowMalformed):
        raise HeaderMalformed("The first row must name the columns.")
    missing = [name for name in REQUIRED_COLUMNS if name not in columns]
    unknown = [name for name in columns if name not in (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS, ERRORS_COLUMN)]
    if missing:
        raise HeaderMalformed(f"Columns missing from the first row: {', '.join(missing)}.")
    if unknown:
        raise HeaderMalformed(f"Unknown columns in the first row: {len(unknown)}.")
    if len(set(columns)) != len(columns):
        raise HeaderMalformed("The first row names a column more than once.")
    return columns


def _name_cells(
    columns: Sequence[str], optional: Sequence[str], cells: Sequence[str]
) -> dict[str, Any] | RowMalformed:
    if len(cells) != len(columns):
        return RowMalformed(f"This row has {len(cells)} columns, and the header has {len(columns)}.")
    if any(not cell.isascii() and _INVALID_BYTE.search(cell) for cell in cells):
        return RowMalformed("This row is not UTF-8.")
    members: dict[str, Any] = dict(zip(columns, cells, strict=True))
    for name in optional:
        if not members[name] or name == ERRORS_COLUMN:
            del members[name]
        elif name == _NUMBER_COLUMN and _DIGITS.fullmatch(members[name]):
            members[name] = Decimal(members[name])
    return members
