"""Read entries from CSV, as RFC 4180 has it and strictly."""

import csv
from collections.abc import Iterator, Sequence

REQUIRED_COLUMNS = ("user_id", "date", "project", "hours")
OPTIONAL_COLUMN = "entry_id"


class HeaderMalformed(Exception):
    """The first row does not name the columns. The message says what is wrong with it."""


class RowMalformed(Exception):
    """This row is no CSV, or has other columns than the header. The message says which."""


def iterate_rows(body: bytes) -> Iterator[dict[str, str] | RowMalformed]:
    """The rows below the header, by column; what is wrong with one is in its place.

    A BOM and blank rows are skipped, and an empty `entry_id` is none. Raises HeaderMalformed.
    """
    reader = csv.reader(_iterate_lines(body.removeprefix(b"\xef\xbb\xbf")), strict=True)
    columns = _read_header(_next_row(reader))
    while (cells := _next_row(reader)) is not None:
        yield cells if isinstance(cells, RowMalformed) else _name_cells(columns, cells)


def _iterate_lines(body: bytes) -> Iterator[str]:
    """Lines as text. Bytes that are not UTF-8 come as half surrogates, and no valid text has one."""
    text = body.decode("utf-8", errors="surrogateescape")
    position = 0
    while position < len(text):
        end = text.find("\n", position) + 1 or len(text)
        yield text[position:end]
        position = end


def _next_row(reader: Iterator[list[str]]) -> Sequence[str] | RowMalformed | None:
    """The next row that is not blank, None at the end."""
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            return RowMalformed(f"This row is not CSV: {_explain(error)}.")
        if cells is None or cells:
            return cells


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
    "field limit": f"a cell is over {csv.field_size_limit()} characters",
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
