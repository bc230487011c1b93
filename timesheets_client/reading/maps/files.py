"""Read a mapping file, or report what is missing, unknown or wrong in it."""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import tzinfo
from decimal import Decimal
from pathlib import Path

from timesheets_client.errors import ConfigurationError
from timesheets_client.reading.maps.rows import EntryMap
from timesheets_client.reading.maps.rules import (
    Cells,
    Rule,
    Table,
    WrongMap,
    read_id_rule,
    read_text,
    read_text_rule,
    read_texts,
)
from timesheets_client.reading.maps.shipped import FOLDER, normalize
from timesheets_client.reading.maps.time_rules import read_date_rule, read_duration_rule, read_period_rule
from timesheets_files.csv_rows import UTF_8
from timesheets_files.dates import find_zone
from timesheets_files.members import COLUMNS, ENTRY_ID, REASON, REVISION
from timesheets_files.printable import escape, put_on_one_line, quote

# They have one byte per character, and ASCII as their first half.
ENCODING = re.compile(r"utf-8|windows-125[0-8]|iso-8859-([1-9]|1[013-6])")
# The keys of each table.
SOURCE = ("column", "template")
CONSTANT = (*SOURCE, "constant", "default")
NAME = (*CONSTANT, "rename", "lookup")
KEYS: Mapping[str, Collection[str]] = {
    "user_id": NAME,
    "date": (*SOURCE, "format", "only_day"),
    "project": NAME,
    "hours": (*SOURCE, "unit", "decimal", "hours_per_day"),
    ENTRY_ID: SOURCE,
    REVISION: CONSTANT,
    REASON: CONSTANT,
}
PERIOD = ("start", "end", "format", "end_format")
SKIP = ("column", "equals", "not_equals", "optional", "hours")
ZERO_HOURS = {"hours": 0}


def load_map(path: Path, zone: tzinfo | None) -> EntryMap:
    """The map in a file. `zone` replaces its time zone. Raises ConfigurationError with a line per problem."""
    is_shipped = path.parent == FOLDER
    shown = f"--map {path.stem}" if is_shipped else escape(str(path))
    problems: list[str] = []
    entry_map = read_map(read_document(path), shown, path.parent, zone, problems)
    if problems and is_shipped:
        problems.append(f"to state it, edit a copy: --maps {path.stem} > our.toml, then --map ./our.toml")
    if problems:
        raise ConfigurationError("\n".join(f"{shown}: {problem}" for problem in problems))
    return entry_map


def read_document(path: Path) -> Table:
    """What a map says. Raises ConfigurationError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    except (OSError, ValueError, RecursionError) as error:
        problem = getattr(error, "strerror", None) or f"it is not TOML: {error}"
        raise ConfigurationError(f"--map {escape(str(path))}: cannot be read: {escape(problem)}") from None


def read_map(
    document: Table, name: str, folder: Path, option: tzinfo | None, problems: list[str]
) -> EntryMap:
    """The map in a document, without the tables about which `problems` gets lines."""
    encoding, zone = str(document.get("encoding", UTF_8)).lower(), str(document.get("time_zone", "UTC"))
    with collect(problems):
        require_keys(document, ("encoding", "time_zone", "skip", *KEYS))
    if not ENCODING.fullmatch(encoding):
        problems.append("encoding must be utf-8, or such as windows-1252 or iso-8859-1")
    if not find_zone(zone):
        problems.append(f"time_zone: {quote(zone)} is not a time zone such as Europe/Berlin")
        zone = "UTC"
    rules, skips = {}, []
    for member in KEYS:
        with collect(problems, member):
            if member in document:
                stated = find_zone(zone) if "time_zone" in document else None
                rules[member] = read_rule(member, document[member], folder, option or stated)
            elif member in COLUMNS:
                raise WrongMap("this table is missing")
    stated_skips = document.get("skip", [])
    conditions = stated_skips if isinstance(stated_skips, list) else [stated_skips]
    for number, condition in enumerate(conditions, start=1):
        with collect(problems, f"skip {number}"):
            if condition != ZERO_HOURS:
                skips.append(read_skip(condition))
    return EntryMap(
        name=name, rules=rules, encoding=encoding, skips=skips, skips_zero_hours=len(conditions) > len(skips)
    )


@contextmanager
def collect(problems: list[str], table: str = "") -> Iterator[None]:
    """Add a line to `problems` for each line of a WrongMap."""
    try:
        yield
    except WrongMap as error:
        place = f"{table}: " if table else ""
        problems += [f"{place}{put_on_one_line(line)}" for line in str(error).split("\n")]


def require_keys(table: Table, keys: Collection[str]) -> None:
    """Raise WrongMap for what is no table, and for keys that do not exist."""
    if not isinstance(table, dict):
        raise WrongMap("must be a table")
    if unknown := [key for key in table if key not in keys]:
        raise WrongMap("\n".join(f"there is no key {quote(key)} here" for key in unknown))


def read_rule(member: str, table: Table, folder: Path, zone: tzinfo | None) -> Rule:
    is_period = member == "hours" and isinstance(table, dict) and ("start" in table or "end" in table)
    require_keys(table, PERIOD if is_period else KEYS[member])
    match member:
        case "date":
            return read_date_rule(table, zone)
        case "hours":
            return read_period_rule(table, zone) if is_period else read_duration_rule(table)
        case "entry_id":
            return read_id_rule(table)
        case _:
            return read_text_rule(member, table, folder)


def read_skip(table: Table) -> Rule:
    """The reason to skip a row whose column has one of the texts, or with `not_equals` none of them."""
    require_keys(table, SKIP)
    keys, column = [key for key in ("equals", "not_equals") if key in table], read_text(table, "column")
    if len(keys) != 1 or not column or "hours" in table:
        raise WrongMap("needs column, and equals or not_equals; or only hours = 0")
    name, texts, is_negated = normalize(column), read_texts(table, *keys), keys == ["not_equals"]

    def find_reason(cells: Cells) -> str | None:
        # The table may lack an optional column.
        text = cells.get(name)
        if text is None or (text in texts) == is_negated:
            return None
        return f"{column} is {quote(text) if text else 'empty'}"

    return Rule([] if table.get("optional") is True else [column], find_reason)
