"""Read entries from CSV, as RFC 4180 has it and strictly."""

import csv
import re
from collections.abc import Iterator, Sequence
from typing import Self

REQUIRED_COLUMNS = ("user_id", "date", "project", "hours")
OPTIONAL_COLUMN = "entry_id"

# RFC 4180 section 2. Python's reader takes a quote in a bare cell for a character of it.
# Possessive, so that it never tries the same text in another way.
_CELL = r'(?:"(?:[^"]++|"")*+"|[^",\r\n]*+)'
_RECORD = re.compile(rf"{_CELL}(?:,{_CELL})*+(?:\r?\n)?")

# The most commas in a record, and the most lines of a text: a reader makes a cell of each, or a row.
MAX_CELLS = 640_000

# A cell that is too long is its entry's error; at Python's own limit the rest of it would be read as rows.
csv.field_size_limit(2**31 - 1)


class HeaderMalformed(Exception):
    """The first row does not name the columns. The message says what is wrong with it."""


class TooManyCells(Exception):
    """A record has more cells, or the text more lines, than fit into memory when many send them at once."""


class RowMalformed(Exception):
    """This row is no CSV, or has other columns than the header. The message says which."""


def iterate_rows(body: bytes) -> Iterator[dict[str, str] | RowMalformed]:
    """The rows below the header, by column; what is wrong with one is in its place.

    A BOM and blank rows are skipped, and an empty `entry_id` is none. Raises HeaderMalformed, TooManyCells.
    """
    if body.count(b"\n") > MAX_CELLS:
        raise TooManyCells
    records = _iterate_records(body.removeprefix(b"\xef\xbb\xbf"))
    columns = _read_header(next(records, None))
    for cells in records:
        yield cells if isinstance(cells, RowMalformed) else _name_cells(columns, cells)


def _iterate_records(body: bytes) -> Iterator[Sequence[str] | RowMalformed]:
    """The cells of each record that is not blank. Bytes that are not UTF-8 come as half surrogates."""
    lines = _Lines(body.decode("utf-8", errors="surrogateescape"))
    reader = csv.reader(lines, strict=True)
    while True:
        lines.begin_record()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield RowMalformed(f"This row is not CSV: {_explain(error)}.")
            continue
        if cells is None:
            return
        if any('"' in cell for cell in cells) and not _RECORD.fullmatch("".join(lines.taken)):
            yield RowMalformed("This row is not CSV: a quote stands in a cell without quotes.")
        elif cells:
            yield cells


class _Lines:
    """The lines of a text, with those that a record was made of. Raises TooManyCells."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self.begin_record()

    def begin_record(self) -> None:
        self.taken: list[str] = []
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
        self.taken.append(line)
        return line


def _explain(error: csv.Error) -> str:
    """The error in words about the row; Python's are about its own parameters."""
    for part, words in _WORDS.items():
        if part in str(error):
            return words
    return "it breaks a rule of RFC 4180"


_WORDS = {
    "unexpected end of data": "a quote is never closed",
    "expected after": "text follows a closing quote",
    "new-line character": "a carriage return stands alone",
}


def _read_header(columns: Sequence[str] | RowMalformed | None) -> Sequence[str]:
    if columns is None or isinstance(columns, RowMalformed):
        raise HeaderMalformed("The first row must name the columns.")
    missing = [name for name in REQUIRED_COLUMNS if name not in columns]
    unknown = [name for name in columns if name not in (*REQUIRED_COLUMNS, OPTIONAL_COLUMN)]
    if missing:
        raise HeaderMalformed(f"The first row does not name the columns {', '.join(missing)}.")
    if unknown:
        raise HeaderMalformed(f"The first row names {len(unknown)} columns that entries do not have.")
    if len(set(columns)) != len(columns):
        raise HeaderMalformed("The first row names a column more than once.")
    return columns


def _name_cells(columns: Sequence[str], cells: Sequence[str]) -> dict[str, str] | RowMalformed:
    if len(cells) != len(columns):
        return RowMalformed(f"This row has {len(cells)} columns, and the header has {len(columns)}.")
    if not all(cell.isascii() or _is_text(cell) for cell in cells):
        return RowMalformed("This row is not UTF-8.")
    members = dict(zip(columns, cells, strict=True))
    if members.get(OPTIONAL_COLUMN) == "":
        del members[OPTIONAL_COLUMN]
    return members


def _is_text(cell: str) -> bool:
    try:
        cell.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
