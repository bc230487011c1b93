"""Read the content of a file without the file."""

import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo
from pathlib import Path

from timesheets_client.reading.entries import (
    InputEntry,
    InputItem,
    InputWarning,
    RejectedEntry,
    Row,
    SkippedRow,
)
from timesheets_client.reading.inputs import Format, Input, read_entries
from timesheets_client.reading.maps.files import load_map
from timesheets_client.reading.maps.rows import EntryMap
from timesheets_client.reading.table_files import TableOptions


def read(
    content: bytes | str, name: str = "week23.csv", zone: tzinfo | None = None, chosen: Format = Format.AUTO
) -> list[InputEntry | RejectedEntry]:
    """The entries and the rejected rows."""
    items = iterate(content, name, zone, chosen)
    return [each for each in items if not isinstance(each, InputWarning | SkippedRow)]


def read_mapped(
    content: bytes | str, map_file: Path, name: str = "export.csv", zone: tzinfo | None = None
) -> list[Row]:
    """What becomes of each row of an export."""
    items = iterate(content, name, entry_map=load_map(map_file, zone))
    return [each for each in items if not isinstance(each, InputWarning)]


def find_warnings(content: bytes | str, name: str = "week23.csv") -> list[str]:
    """The warnings about the content."""
    return [each.describe() for each in iterate(content, name) if isinstance(each, InputWarning)]


def iterate(
    content: bytes | str,
    name: str,
    zone: tzinfo | None = None,
    chosen: Format = Format.AUTO,
    entry_map: EntryMap | None = None,
    sheets: Sequence[str] = (),
) -> Iterator[InputItem]:
    body = content.encode() if isinstance(content, str) else content
    file = io.BufferedReader(io.BytesIO(body))
    options = TableOptions(time_zone=zone, entry_map=entry_map, sheets=sheets)
    return read_entries(Input(name=name, file=file), chosen, options)


def describe(rows: Iterable[Row]) -> list[str]:
    """The source of each entry, and the description of each other row."""
    return [each.source if isinstance(each, InputEntry) else each.describe() for each in rows]
