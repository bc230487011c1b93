"""Read the content of a file without the file."""

import io
from collections.abc import Iterator
from datetime import tzinfo

from timesheets_client.reading.entries import InputEntry, InputItem, InputWarning, RejectedEntry
from timesheets_client.reading.inputs import Format, Input, read_entries


def read(
    content: bytes | str, name: str = "week23.csv", zone: tzinfo | None = None, chosen: Format = Format.AUTO
) -> list[InputEntry | RejectedEntry]:
    """The entries and the rejected rows."""
    return [each for each in iterate(content, name, zone, chosen) if not isinstance(each, InputWarning)]


def find_warnings(content: bytes | str, name: str = "week23.csv") -> list[str]:
    """The warnings about the content."""
    return [each.describe() for each in iterate(content, name) if isinstance(each, InputWarning)]


def iterate(
    content: bytes | str, name: str, zone: tzinfo | None = None, chosen: Format = Format.AUTO
) -> Iterator[InputItem]:
    body = content.encode() if isinstance(content, str) else content
    file = io.BufferedReader(io.BytesIO(body))
    return read_entries(Input(name=name, file=file), chosen, zone)


def describe(read_entries: list[InputEntry | RejectedEntry]) -> list[str]:
    """The source of each entry, and the description of each rejected one."""
    return [each.source if isinstance(each, InputEntry) else each.describe() for each in read_entries]
