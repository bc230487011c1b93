"""Read a mapping file, or report everything in it that is missing, unknown or wrong."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from decimal import Decimal
from pathlib import Path

from timesheets_client.errors import ConfigurationError
from timesheets_client.printable import escape
from timesheets_client.reading.maps.date_formats import (
    compile_formats,
    disagree,
    find_fault,
    lacks_time,
)
from timesheets_client.reading.maps.durations import SECONDS, UNITS, WITH_DAYS, compile_unit
from timesheets_client.reading.maps.lookups import read_lookup
from timesheets_client.reading.maps.rows import EntryMap
from timesheets_client.reading.maps.rules import (
    Rule,
    Skip,
    make_date_rule,
    make_duration_rule,
    make_id_rule,
    make_period_rule,
    make_source,
    make_text_rule,
)
from timesheets_client.reading.maps.shipped import FOLDER
from timesheets_client.reading.maps.tables import Table
from timesheets_files.csv_rows import UTF_8
from timesheets_files.dates import find_zone
from timesheets_files.members import COLUMNS, ENTRY_ID, OPTIONAL_COLUMNS, Malformed
from timesheets_files.printable import quote

# They have one byte per character, and ASCII as their first half.
ENCODING = re.compile(r"utf-8|windows-125[0-8]|iso-8859-([1-9]|1[013-6])")
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def load_map(path: Path, zone: tzinfo | None) -> EntryMap:
    """The map in a file. `zone` replaces its time zone. Raises ConfigurationError with a line per problem."""
    is_shipped = path.parent == FOLDER
    shown = f"--map {path.stem}" if is_shipped else escape(str(path))
    problems: list[str] = []
    document = Table(read_document(path), problems)
    entry_map = read_map(document, shown, path.parent, zone)
    document.close()
    if problems and is_shipped:
        problems.append(f"to state it, edit a copy: --maps {path.stem} > our.toml, then --map ./our.toml")
    if problems:
        raise ConfigurationError("\n".join(f"{shown}: {problem}" for problem in problems))
    return entry_map


def read_document(path: Path) -> Mapping[str, object]:
    """What a map says. Raises ConfigurationError."""
    shown = f"--map {escape(str(path))}"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    except OSError as error:
        raise ConfigurationError(f"{shown}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{shown}: is not in UTF-8") from None
    except ValueError as error:
        raise ConfigurationError(f"{shown}: is not TOML: {escape(str(error))}") from None
    except RecursionError:
        raise ConfigurationError(f"{shown}: is nested too deeply") from None


def read_map(document: Table, name: str, folder: Path, option: tzinfo | None) -> EntryMap:
    zone = read_zone(document)
    skips, skips_zero_hours = read_skips(document)
    return EntryMap(
        name=name,
        rules=read_rules(document, folder, option or zone),
        encoding=read_encoding(document),
        skips=skips,
        skips_zero_hours=skips_zero_hours,
    )


def read_encoding(document: Table) -> str:
    encoding = str(document.take("encoding", default=UTF_8)).lower()
    if not ENCODING.fullmatch(encoding):
        document.refuse("encoding", "must be utf-8, or such as windows-1252 or iso-8859-1")
        return UTF_8
    return encoding


def read_zone(document: Table) -> tzinfo | None:
    if "time_zone" not in document:
        return None
    name = document.take("time_zone")
    if zone := find_zone(name):
        return zone
    document.refuse("time_zone", f"{quote(name)} is not a time zone such as Europe/Berlin")
    return UTC


def read_rules(document: Table, folder: Path, zone: tzinfo | None) -> Mapping[str, Rule]:
    rules = {}
    for member in (*COLUMNS, *OPTIONAL_COLUMNS):
        if member in COLUMNS and member not in document:
            document.refuse(member, "this table is missing")
        elif member in document:
            table = document.take_table(member)
            rules[member] = read_rule(member, table, folder, zone)
            table.close()
    return rules


def read_rule(member: str, table: Table, folder: Path, zone: tzinfo | None) -> Rule:
    match member:
        case "date":
            return read_date_rule(table, zone)
        case "hours":
            is_period = "start" in table or "end" in table
            return read_period_rule(table, zone) if is_period else read_duration_rule(table)
        case _ if member == ENTRY_ID:
            return make_id_rule(read_source(table))
        case _:
            return read_text_rule(member, table, folder)


def read_text_rule(member: str, table: Table, folder: Path) -> Rule:
    source, default = read_source(table, may_be_constant=True), table.take("default")
    if member in OPTIONAL_COLUMNS:
        return make_text_rule(source, lambda text: text or default)
    renames, has_lookup, name = table.take_pairs("rename"), "lookup" in table, table.take("lookup")
    lookup, problems = read_lookup(folder / name, member) if has_lookup else (None, [])
    for problem in problems:
        table.refuse("lookup", problem)

    def convert(text: str) -> str:
        if not text:
            return str(default)
        renamed = renames.get(text, text)
        if lookup is None:
            return renamed
        if (value := lookup.get(renamed.casefold())) is None:
            raise Malformed(f"{quote(renamed)} is not in {name}")
        return value

    return make_text_rule(source, convert)


def read_date_rule(table: Table, zone: tzinfo | None) -> Rule:
    source, only_day = read_source(table), table.take("only_day", bool)
    formats = read_formats(table, "format", UTC if only_day else zone)
    only_day = only_day or all(map(lacks_time, formats))
    return make_date_rule(source, compile_formats(formats), zone, only_day=only_day)


def read_duration_rule(table: Table) -> Rule:
    source, unit = read_source(table), table.take_choice("unit", UNITS)
    if "decimal" in table and unit not in SECONDS:
        table.refuse("decimal", f"applies only to {', '.join(SECONDS)}")
    decimal = table.take_choice("decimal", (".", ","), ".")
    per_day = table.take("hours_per_day", Decimal) if unit == WITH_DAYS else 24
    if not (Decimal(per_day).is_finite() and 0 < per_day <= 24):
        table.refuse("hours_per_day", "must be above 0 and at most 24: how many hours 1d has, such as 8")
    return make_duration_rule(source, compile_unit(unit, decimal, per_day), decimal)


def read_period_rule(table: Table, zone: tzinfo | None) -> Rule:
    start, end = (read_template(table, key) for key in ("start", "end"))
    formats = read_formats(table, "format", zone)
    of_end = read_formats(table, "end_format", zone, needs_date=False) if "end_format" in table else formats
    if any(map(lacks_time, [*formats, *of_end])):
        table.refuse("", "start and end need a time of day: %H and %M, or %I, %M and %p")
    return make_period_rule(start, end, compile_formats(formats), compile_formats(of_end), zone)


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
        return make_source([], protect(texts["constant"]))
    return make_source([texts.get("column", "")])


def read_template(table: Table, key: str) -> Rule:
    parts = PLACEHOLDER.split(table.take(key))
    literals, columns = parts[::2], [column.strip() for column in parts[1::2]]
    if not columns or not all(columns) or any(mark in "".join(literals) for mark in "{}"):
        table.refuse(key, "must name columns in braces, as in {Start date} {Start time}")
    return make_source(columns, "%s".join(map(protect, literals)))


def protect(literal: str) -> str:
    """The text for a pattern in which % marks a place."""
    return literal.replace("%", "%%")


def read_formats(table: Table, key: str, zone: tzinfo | None, *, needs_date: bool = True) -> Sequence[str]:
    formats = table.take_texts(key)
    problems = [f"{quote(each)}: {fault}" for each in formats if (fault := find_fault(each))]
    if not formats:
        problems = ["is missing; it says what the dates look like, such as %d/%m/%Y"]
    elif not problems:
        problems = list(find_format_faults(formats, zone, needs_date=needs_date))
    for problem in problems:
        table.refuse(key, problem)
    return [] if problems else formats


def find_format_faults(formats: Sequence[str], zone: tzinfo | None, *, needs_date: bool) -> Iterator[str]:
    if disagree(formats):
        yield "these formats disagree on the order of day and month, which is never guessed"
    if needs_date and not all("%Y" in each for each in formats):
        yield "needs a date: %Y, %m and %d"
    if zone is None and not all(lacks_time(each) or "%z" in each for each in formats):
        yield 'a time of day needs a time zone; state it as time_zone = "Europe/Berlin", or with --time-zone'


def read_skips(document: Table) -> tuple[Sequence[Skip], bool]:
    """The conditions on columns, and whether rows of 0 hours are skipped."""
    skips, skips_zero_hours = [], False
    for table in document.take_tables("skip"):
        if "hours" in table:
            skips_zero_hours = True
            if table.take("hours", int) != 0:
                table.refuse("hours", "must be 0")
        else:
            skips.append(read_skip(table))
        table.close()
    return skips, skips_zero_hours


def read_skip(table: Table) -> Skip:
    keys = [key for key in ("equals", "not_equals") if key in table]
    texts = {text.strip() for key in keys for text in table.take_texts(key)}
    column = table.take("column").strip()
    if not column or len(keys) != 1:
        table.refuse("", "needs column, and equals or not_equals; or hours = 0")
    return Skip(column, texts, "not_equals" in keys, table.take("optional", bool))
