"""Read from a map how the texts of an entry are made from the cells of a row."""

import io
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, zip_longest
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from timesheets_client.local_files import NO_WAIT, read_file
from timesheets_client.reading.maps.shipped import normalize
from timesheets_files.csv_rows import open_csv
from timesheets_files.members import OPTIONAL_COLUMNS, FileUnreadable, Malformed, RowMalformed
from timesheets_files.printable import quote

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
MAX_LOOKUP_BYTES = 16 * 1024 * 1024

# The stripped cells of a row, by the normalized names of their columns.
Cells = Mapping[str, str]
# A table of a map.
Table = Mapping[str, Any]


class WrongMap(Exception):
    """What is wrong with a table of the map, in one or more lines."""


class Typed(str):
    """The text of a date, a time, a duration or a number in a workbook, which needs no format."""

    __slots__ = ()


class Rule(NamedTuple):
    """The columns that a member is made from, as the map names them, and how. `take` raises Malformed.

    A source is a rule whose text other rules read.
    """

    columns: Sequence[str]
    take: Callable[[Cells], Any]


def read_texts(table: Table, key: str) -> list[str]:
    """The text at a key, or the texts of a list. A number or a date is the text that it is written as."""
    value = table.get(key, [])
    return [str(each).strip() for each in (value if isinstance(value, list) else [value])]


def read_text(table: Table, key: str, default: str = "") -> str:
    return str(table.get(key, default)).strip()


def read_source(table: Table, *more: str) -> Rule:
    """The text of a member: the key `column`, `template`, or one of `more`, which is `constant`."""
    keys = ("column", "template", *more)
    given = [key for key in keys if key in table]
    if len(given) != 1:
        raise WrongMap(f"needs one of the keys {', '.join(keys)}; it has {' and '.join(given) or 'none'}")
    [key] = given
    if key == "template":
        return read_template(table, key)
    text = read_text(table, key)
    if not text:
        raise WrongMap(f"{key} must not be empty")
    return Rule([text], itemgetter(normalize(text))) if key == "column" else Rule([], lambda _: text)


def read_template(table: Table, key: str) -> Rule:
    """A text with cells in it. It is empty if all cells are."""
    parts = PLACEHOLDER.split(read_text(table, key))
    literals, columns = parts[::2], [column.strip() for column in parts[1::2]]
    if not columns or not all(columns) or any(mark in "".join(literals) for mark in "{}"):
        raise WrongMap(f"{key} must name columns in braces, as in {{Start date}} {{Start time}}")
    keys = list(map(normalize, columns))
    # One cell as it is stays typed.
    if len(keys) == 1 and not any(literals):
        return Rule(columns, itemgetter(*keys))

    def join(cells: Cells) -> str:
        found = [cells[key] for key in keys]
        return "".join(chain(*zip_longest(literals, found, fillvalue=""))).strip() if any(found) else ""

    return Rule(columns, join)


def read_text_rule(member: str, table: Table, folder: Path) -> Rule:
    source, default = read_source(table, "constant"), read_text(table, "default")
    if member in OPTIONAL_COLUMNS:
        return Rule(source.columns, lambda cells: source.take(cells) or default)
    renames, name = table.get("rename", {}), read_text(table, "lookup")
    if not isinstance(renames, dict):
        raise WrongMap("rename must be a table")
    lookup = read_lookup(folder / name, member) if "lookup" in table else None

    def convert(cells: Cells) -> str:
        text: str = source.take(cells)
        if not text:
            return default
        renamed = str(renames.get(text, text))
        if lookup is None:
            return renamed
        if (value := lookup.get(renamed.casefold())) is None:
            raise Malformed(f"{quote(renamed)} is not in {name}")
        return value

    return Rule(source.columns, convert)


def read_id_rule(table: Table) -> Rule:
    """An id, of which no part may be missing."""
    source = read_source(table)
    keys = [(column, normalize(column)) for column in source.columns]

    def identify(cells: Cells) -> Any:
        for column, key in keys:
            if not cells[key]:
                raise Malformed(f"{quote(column)} is empty, and other rows could get the same id")
        return source.take(cells)

    return Rule(source.columns, identify)


def read_lookup(path: Path, member: str) -> Mapping[str, str]:
    """The values of `member` by casefolded text, from a CSV file of two columns. Raises WrongMap.

    The message quotes nothing of the file, because a map can name any file.
    """
    values: dict[str, str] = {}
    try:
        content, status = read_file(path, MAX_LOOKUP_BYTES + 1, NO_WAIT)
        if not stat.S_ISREG(status.st_mode) or len(content) > MAX_LOOKUP_BYTES:
            raise OSError("it is not a regular file of at most 16 MiB")
        with open_csv(io.BytesIO(content)) as table:
            if len(table.header) != 2 or table.header[1] != member:
                raise FileUnreadable(f"the first row must name two columns, the second of them {member}", 1)
            for line, cells in table:
                if isinstance(cells, RowMalformed):
                    raise FileUnreadable(str(cells), line)
                if len(cells) != 2 or not all(cells) or cells[0].casefold() in values:
                    raise FileUnreadable("this row needs two cells, and a text that no earlier row has", line)
                values[cells[0].casefold()] = cells[1]
    except FileUnreadable as error:
        raise WrongMap(f"lookup: {path.name}:{error.line or 1}: {error}") from None
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or error
        raise WrongMap(f"lookup: {path.name} cannot be read: {problem}") from None
    return values
