"""From the bytes of a request to entries that are not judged yet, whatever the format."""

import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from rest_framework.parsers import BaseParser

from timesheets.exceptions import MalformedBody, MalformedHeader, TooLarge
from timesheets.formats.strict_csv import HeaderMalformed, RowMalformed, iterate_rows
from timesheets.formats.strict_json import (
    NotJSON,
    decode_utf8,
    is_array,
    iterate_array,
    parse_value,
    require_few_values,
)

MAX_ENTRIES = 10_000
MAX_BYTES = 8 * 1024 * 1024
MAX_UNZIPPED_BYTES = 16 * 1024 * 1024
LIMITS = {"entries": MAX_ENTRIES, "bytes": MAX_BYTES, "unzipped_bytes": MAX_UNZIPPED_BYTES}


@dataclass(frozen=True, kw_only=True)
class MalformedEntry:
    """What stands in the place of an entry that cannot be read, and why."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Upload:
    """What was sent: for each entry a value or an MalformedEntry; `is_single` if it is not an array."""

    entries: list[Any]
    is_single: bool = False


class JSONParser(BaseParser):
    """One entry, or an array of them (RFC 8259)."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            body = stream.read()
            require_few_values(body)
            text = decode_utf8(body)
            if is_array(text):
                return Upload(entries=_take(iterate_array(text)))
            value = parse_value(text)
        except NotJSON as error:
            raise MalformedBody(f"The body is not JSON: {error}.") from None
        if not isinstance(value, dict):
            raise MalformedBody("The body is neither a JSON object nor an array.")
        return Upload(entries=[value], is_single=True)


class NDJSONParser(BaseParser):
    """A JSON text in each line. What is wrong with a line is that entry's own."""

    media_type = "application/x-ndjson"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        body = stream.read().removeprefix(b"\xef\xbb\xbf")
        require_few_values(body)
        return Upload(entries=_take(_parse_line(line) for line in _iterate_lines(body)))


class CSVParser(BaseParser):
    """A row for each entry below a header (RFC 4180). What is wrong with a row is that entry's own."""

    media_type = "text/csv"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return Upload(entries=_take(_parse_row(row) for row in iterate_rows(stream.read())))
        except HeaderMalformed as error:
            raise MalformedHeader(str(error)) from None


def _take(values: Iterator[Any]) -> list[Any]:
    """All of the values, if they are not too many; the first that is too many is the last that is read."""
    taken = list(itertools.islice(values, MAX_ENTRIES + 1))
    if len(taken) > MAX_ENTRIES:
        raise TooLarge(f"The body holds over {MAX_ENTRIES} entries. Send fewer at once.", limits=LIMITS)
    return taken


def _iterate_lines(body: bytes) -> Iterator[bytes]:
    """The lines that are not blank, without a copy of all others."""
    for line in io.BytesIO(body):
        stripped = line.strip(b" \t\r\n")
        if stripped:
            yield stripped


def _parse_line(line: bytes) -> Any:
    try:
        return parse_value(decode_utf8(line))
    except NotJSON as error:
        return MalformedEntry(reason=f"This line is not JSON: {error}.")


def _parse_row(row: dict[str, str] | RowMalformed) -> dict[str, str] | MalformedEntry:
    return MalformedEntry(reason=str(row)) if isinstance(row, RowMalformed) else row
