"""Read what a file would hold, without the file."""

import io
from collections.abc import Iterator
from datetime import tzinfo

from timesheets.uploader.reading.entries import Entry, Rejected
from timesheets.uploader.reading.inputs import Format, Input, read_entries


def read(
    content: bytes | str, name: str = "week23.csv", zone: tzinfo | None = None, chosen: Format = Format.AUTO
) -> list[Entry | Rejected]:
    return list(iterate(content, name, zone, chosen))


def iterate(
    content: bytes | str, name: str, zone: tzinfo | None = None, chosen: Format = Format.AUTO
) -> Iterator[Entry | Rejected]:
    body = content.encode() if isinstance(content, str) else content
    file = io.BufferedReader(io.BytesIO(body))  # type: ignore[arg-type]
    return read_entries(Input(name=name, file=file), chosen, zone)


def describe(read_entries: list[Entry | Rejected]) -> list[str]:
    """The source of each entry, and of each rejected one what is wrong with it."""
    return [each.source if isinstance(each, Entry) else each.describe() for each in read_entries]
