"""Read from a map how the texts of an entry are made from the cells of a row."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain, zip_longest
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from timesheets_client.reading.maps.lookups import read_lookup
from timesheets_client.reading.maps.shipped import normalize
from timesheets_client.reading.maps.tables import Table
from timesheets_files.members import OPTIONAL_COLUMNS, Malformed
from timesheets_files.printable import quote

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

# The stripped cells of a row, by the normalized names of their columns.
Cells = Mapping[str, str]


class Typed(str):
    """The text of a date, a time, a duration or a number in a workbook, which needs no format."""

    __slots__ = ()


class Rule(NamedTuple):
    """The columns that a member is made from, as the map names them, and how. `take` raises Malformed.

    A source is a rule whose text other rules read.
    """

    columns: Sequence[str]
    take: Callable[[Cells], Any]


class Skip(NamedTuple):
    """Rows whose column has one of the texts, or with `is_negated` none of them."""

    column: str
    texts: Collection[str]
    is_negated: bool
    # The table may lack the column.
    is_optional: bool


def read_source(table: Table, *, may_be_constant: bool = False) -> Rule:
    """The text of a member: the key `column`, `template` or `constant`."""
    keys = ("column", "template", *["constant"] * may_be_constant)
    given = [key for key in keys if key in table]
    if len(given) != 1:
        table.refuse("", f"needs one of the keys {', '.join(keys)}; it has {' and '.join(given) or 'none'}")
    if given == ["template"]:
        return read_template(table, "template")
    texts = {key: table.take(key).strip() for key in given}
    for key in (key for key, text in texts.items() if not text):
        table.refuse(key, "must not be empty")
    if "constant" in texts:
        return Rule([], lambda _: texts["constant"])
    column = texts.get("column", "")
    return Rule([column], itemgetter(normalize(column)))


def read_template(table: Table, key: str) -> Rule:
    """A text with cells in it. It is empty if all cells are."""
    parts = PLACEHOLDER.split(table.take(key))
    literals, columns = parts[::2], [column.strip() for column in parts[1::2]]
    if not columns or not all(columns) or any(mark in "".join(literals) for mark in "{}"):
        table.refuse(key, "must name columns in braces, as in {Start date} {Start time}")
    keys = list(map(normalize, columns))
    # One cell as it is stays typed.
    if len(keys) == 1 and not any(literals):
        return Rule(columns, itemgetter(*keys))

    def join(cells: Cells) -> str:
        found = [cells[key] for key in keys]
        return "".join(chain(*zip_longest(literals, found, fillvalue=""))).strip() if any(found) else ""

    return Rule(columns, join)


def read_text_rule(member: str, table: Table, folder: Path) -> Rule:
    source, default = read_source(table, may_be_constant=True), table.take("default")
    if member in OPTIONAL_COLUMNS:
        return Rule(source.columns, lambda cells: source.take(cells) or default)
    renames, has_lookup, name = table.take_pairs("rename"), "lookup" in table, table.take("lookup")
    lookup, problems = read_lookup(folder / name, member) if has_lookup else (None, [])
    for problem in problems:
        table.refuse("lookup", problem)

    def convert(cells: Cells) -> str:
        text: str = source.take(cells)
        if not text:
            return str(default)
        renamed = renames.get(text, text)
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
