"""Read a mapping file, or report everything in it that is missing, unknown or wrong."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from decimal import Decimal
from pathlib import Path

from timesheets_client.errors import ConfigurationError
from timesheets_client.reading.maps.rows import EntryMap
from timesheets_client.reading.maps.rules import Rule, Skip, read_id_rule, read_text_rule
from timesheets_client.reading.maps.shipped import FOLDER
from timesheets_client.reading.maps.tables import Table
from timesheets_client.reading.maps.time_rules import read_date_rule, read_duration_rule, read_period_rule
from timesheets_files.csv_rows import UTF_8
from timesheets_files.dates import find_zone
from timesheets_files.members import COLUMNS, ENTRY_ID, OPTIONAL_COLUMNS
from timesheets_files.printable import escape, quote

# They have one byte per character, and ASCII as their first half.
ENCODING = re.compile(r"utf-8|windows-125[0-8]|iso-8859-([1-9]|1[013-6])")


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
            return read_id_rule(table)
        case _:
            return read_text_rule(member, table, folder)


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
