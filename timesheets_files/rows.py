"""Turn the cells of a row into the members of an entry: columns, dates, decimal form."""

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from timesheets_files.dates import Swapped
from timesheets_files.members import (
    COLUMNS,
    IGNORED_COLUMNS,
    OPTIONAL_COLUMNS,
    REVISION,
    DateOrderInDoubt,
    HeaderMalformed,
    Malformed,
    RowMalformed,
    SentDate,
    Unfit,
)
from timesheets_files.printable import quote

MAX_DIGITS = 100
DIGITS = re.compile(rf"\d{{1,{MAX_DIGITS}}}", re.ASCII)
DECIMAL = re.compile(r"-?(\d+(\.\d+)?|\.\d+)", re.ASCII)

# By column; a member is an Unfit if its cell cannot be read.
Members = dict[str, Any]
ReadDate = Callable[[str], str]


def read_header(cells: Sequence[str], line: int, sheet: str = "") -> list[str]:
    """The columns that the trimmed cells of the first row name, in any case; without a name, empty.

    Raises HeaderMalformed if columns are missing, unknown or repeated.
    """
    names = [cell.lower() for cell in cells]
    known = (*COLUMNS, *OPTIONAL_COLUMNS, *IGNORED_COLUMNS)
    problems = {
        "missing": [name for name in COLUMNS if name not in names],
        "unknown": [cell for cell, name in zip(cells, names, strict=True) if name and name not in known],
        "repeated": sorted({name for name in names if name in known and names.count(name) > 1}),
    }
    if any(problems.values()):
        listed = "; ".join(f"{word}: {join_names(found)}" for word, found in problems.items() if found)
        error = HeaderMalformed(
            f"the first row must name the columns {', '.join(COLUMNS)}, may name "
            f"{', '.join(OPTIONAL_COLUMNS)}, and no others; {listed}; it names: {join_names(cells)}",
            line,
            sheet,
        )
        error.header = cells
        raise error
    return names


def join_names(names: Sequence[str]) -> str:
    """Few enough for a message."""
    more = len(names) - 20
    return ", ".join(map(quote, names[:20])) + (f" and {more} more" if more > 0 else "")


class RowReader:
    """Reads the trimmed cells of the rows below a header. `decimal` is the mark in hours: `.` or `,`."""

    def __init__(self, columns: Sequence[str], read_date: ReadDate, decimal: str = ".") -> None:
        self._columns, self._width = columns, len(columns)
        self._read_date, self._decimal = read_date, decimal
        self._optional = [name for name in OPTIONAL_COLUMNS if name in columns]
        self._surplus = [name for name in ("", *IGNORED_COLUMNS) if name in columns]
        self._unnamed = [place for place, name in enumerate(columns) if not name]

    def read(self, cells: Sequence[str], line: int, sheet: str = "") -> Members:
        """The members of the entry in a row; text but for a revision of digits.

        Raises RowMalformed for another width, and DateOrderInDoubt.
        """
        if len(cells) != self._width:
            require_width(cells, self._width, self._width)
        if self._unnamed and any(cells[place] for place in self._unnamed):
            raise RowMalformed("this row has a cell in a column without a name")
        members: Members = dict(zip(self._columns, cells, strict=True))
        if self._width > len(COLUMNS):
            for name in self._surplus:
                del members[name]
            clear_optional(members, self._optional)
        if self._decimal != ".":
            members["hours"] = members["hours"].replace(self._decimal, ".", 1)
        sent = members["date"]
        try:
            date = self._read_date(sent)
            members["date"] = sent if date == sent else SentDate(date, sent)
        except Swapped as error:
            raise DateOrderInDoubt(str(error), line, sheet) from None
        except Malformed as error:
            members["date"] = Unfit(sent, str(error))
        return members


def clear_optional(members: dict[str, Any], names: Iterable[str]) -> None:
    """Drop the members of these that are empty, and make a number of a revision of digits."""
    for name in names:
        if not members[name]:
            del members[name]
        elif name == REVISION and DIGITS.fullmatch(members[name]):
            members[name] = Decimal(members[name])


def require_width(cells: Sequence[str], least: int, width: int) -> None:
    """Raise RowMalformed unless the row has at least so many cells, and at most as many as the header."""
    if not least <= len(cells) <= width:
        raise RowMalformed(f"this row has {len(cells)} cells, and the header has {width}")


def read_decimal(text: str) -> Decimal:
    """A number as programs and people write it, whether or not it can be the hours of an entry."""
    if not DECIMAL.fullmatch(text) or len(text) > MAX_DIGITS:
        raise Malformed(f"{quote(text)} is not a decimal number such as 7.5")
    return Decimal(text)
