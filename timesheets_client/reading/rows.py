"""From the cells of a spreadsheet's row to an entry: columns, dates, decimal form."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal

from timesheets_client.errors import InputUnreadable
from timesheets_client.reading.dates import DateUnreadable, read_date, shorten
from timesheets_client.reading.entries import (
    COLUMNS,
    ENTRY_ID,
    REJECTED,
    WHOLE_ENTRY,
    InputEntry,
    RejectedEntry,
)

DECIMAL = re.compile(r"-?(\d+(\.\d+)?|\.\d+)", re.ASCII)
MAX_DIGITS = 100


class RowUnreadable(Exception):
    """`name` is the column at fault, or stands for the row; the message says why."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name


@dataclass(frozen=True, kw_only=True)
class Header:
    """The columns of a file, by position. One without a name holds nothing, as spreadsheets leave them."""

    names: Sequence[str]

    def name_cells(self, cells: Sequence[str]) -> dict[str, str]:
        """The cells by column, with the white space around them taken off. Raises RowUnreadable."""
        if len(cells) != len(self.names):
            raise RowUnreadable(
                WHOLE_ENTRY, f"this row has {len(cells)} cells, and the header has {len(self.names)}"
            )
        pairs = [(name, cell.strip()) for name, cell in zip(self.names, cells, strict=True)]
        if any(cell and not name for name, cell in pairs):
            raise RowUnreadable(WHOLE_ENTRY, "a cell of this row stands below no name of the header")
        return {name: cell for name, cell in pairs if name}


def read_header(cells: Sequence[str], source: str) -> Header:
    """The header that the first row is. Raises InputUnreadable, and names the columns at fault."""
    names = [cell.strip() for cell in cells]
    missing = [name for name in COLUMNS if name not in names]
    unknown = [name for name in names if name and name not in (*COLUMNS, ENTRY_ID, REJECTED)]
    repeated = {name for name in names if name and names.count(name) > 1}
    if missing:
        raise InputUnreadable(
            f"{source}: the first row must name the columns {', '.join(COLUMNS)}; "
            f"missing: {', '.join(missing)}; it names: {shorten(', '.join(names))}"
        )
    if unknown or repeated:
        what = "an entry has no such column" if unknown else "named more than once"
        listed = ", ".join(map(shorten, unknown or sorted(repeated)))
        raise InputUnreadable(f"{source}: {what}: {listed}; take it out of the file")
    return Header(names=names)


def read_row(source: str, cells: Mapping[str, str], zone: tzinfo | None) -> InputEntry | RejectedEntry:
    """The entry in a row of text cells, or all that is wrong with their form."""
    members: dict[str, object] = {name: cell for name, cell in cells.items() if name != REJECTED}
    errors: dict[str, object] = {}
    if not members.get(ENTRY_ID, "given"):
        del members[ENTRY_ID]
    try:
        members["date"] = read_date(cells["date"], zone)
    except DateUnreadable as error:
        errors["date"] = [str(error)]
    try:
        members["hours"] = read_hours(cells["hours"])
    except RowUnreadable as error:
        errors["hours"] = [str(error)]
    if errors:
        return RejectedEntry(source=source, errors=errors, members=members)
    return InputEntry(source=source, members=members)


def read_hours(text: str) -> Decimal:
    if not DECIMAL.fullmatch(text) or len(text) > MAX_DIGITS:
        raise RowUnreadable("hours", f"{shorten(text)} is not a decimal number such as 7.5")
    return Decimal(text)
