"""Turn the text cells of a row into an entry: columns, dates, decimal form."""

import re
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from functools import partial

from timesheets_client.errors import InputUnreadable
from timesheets_client.printable import quote
from timesheets_client.reading.dates import read_date
from timesheets_client.reading.entries import (
    COLUMNS,
    OPTIONAL_COLUMNS,
    REJECTED,
    REVISION,
    InputEntry,
    Malformed,
    RejectedEntry,
)

DECIMAL = re.compile(r"-?(\d+(\.\d+)?|\.\d+)", re.ASCII)
MAX_DIGITS = 100
REVISION_NUMBER = re.compile(rf"\d{{1,{MAX_DIGITS}}}", re.ASCII)


def read_header(cells: Sequence[str], source: str) -> Sequence[str]:
    """The names of the columns in the first row; an unused column has an empty name.

    Raises InputUnreadable if columns are missing, unknown or repeated.
    """
    names = [cell.strip() for cell in cells]
    missing = [name for name in COLUMNS if name not in names]
    unknown = [name for name in names if name and name not in (*COLUMNS, *OPTIONAL_COLUMNS, REJECTED)]
    repeated = {name for name in names if name and names.count(name) > 1}
    if missing:
        raise InputUnreadable(
            f"{source}: the first row must name the columns {', '.join(COLUMNS)}; "
            f"missing: {', '.join(missing)}; it names: {quote(', '.join(names))}"
        )
    if unknown or repeated:
        problem = "an entry has no such column" if unknown else "named more than once"
        listed = ", ".join(map(quote, unknown or sorted(repeated)))
        raise InputUnreadable(f"{source}: {problem}: {listed}; remove it from the file")
    return names


def name_cells(header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """The stripped cells by column. Raises Malformed."""
    require_width(cells, len(header))
    pairs = [(name, cell.strip()) for name, cell in zip(header, cells, strict=True)]
    if any(cell and not name for name, cell in pairs):
        raise Malformed("this row has a cell in a column without a name")
    return {name: cell for name, cell in pairs if name and name != REJECTED}


def require_width(cells: Sequence[str], width: int) -> None:
    """Raise Malformed unless the row is as wide as the header."""
    if len(cells) != width:
        raise Malformed(f"this row has {len(cells)} cells, and the header has {width}")


def read_row(source: str, cells: Mapping[str, str], zone: tzinfo | None) -> InputEntry | RejectedEntry:
    """The entry in a row, or everything that is wrong with its form."""
    members = read_members(cells)
    errors: dict[str, object] = {}
    for name, read in (("date", partial(read_date, zone=zone)), ("hours", read_hours)):
        try:
            members[name] = read(cells[name])
        except Malformed as error:
            errors[name] = [str(error)]
    if errors:
        return RejectedEntry(source=source, errors=errors, members=members)
    return InputEntry(source=source, members=members)


def read_members(cells: Mapping[str, str]) -> dict[str, object]:
    """The members of an entry as they are sent, but with the date and the hours as text."""
    members: dict[str, object] = {
        name: cell for name, cell in cells.items() if cell or name not in OPTIONAL_COLUMNS
    }
    if REVISION in members:
        members[REVISION] = read_revision(cells[REVISION])
    return members


def read_revision(text: str) -> object:
    """The number. Any other text stays as it is, for the API to refuse in its own words."""
    return Decimal(text) if REVISION_NUMBER.fullmatch(text) else text


def read_hours(text: str) -> Decimal:
    if not DECIMAL.fullmatch(text) or len(text) > MAX_DIGITS:
        raise Malformed(f"{quote(text)} is not a decimal number such as 7.5")
    return Decimal(text)
