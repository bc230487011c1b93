"""Parse the body of an upload into values that the serializer can judge, in every format."""

import io
import itertools
from collections.abc import Iterator, Sequence
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
    """Takes the place of an entry that cannot be parsed. `text` is the beginning of what was sent."""

    reason: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Upload:
    """The parsed body: per entry a value or a MalformedEntry. `is_single` if the body is one JSON object.

    `lines` has the number of the line on which each entry begins, from 1; JSON has none.
    """

    entries: list[Any]
    lines: Sequence[int] = ()
    is_single: bool = False


class JSONParser(BaseParser):
    """Parses one entry, or an array of entries (RFC 8259)."""

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
    """Parses one JSON text per line. A malformed line affects only its own entry."""

    media_type = "application/x-ndjson"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        body = stream.read().removeprefix(b"\xef\xbb\xbf")
        require_few_values(body)
        lines = enumerate((line.strip(b" \t\r\n") for line in io.BytesIO(body)), start=1)
        return _take_lines((number, _parse_line(line)) for number, line in lines if line)


class CSVParser(BaseParser):
    """Parses a header and one row per entry (RFC 4180). A malformed row affects only its own entry."""

    media_type = "text/csv"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        rows = iterate_rows(stream.read())
        try:
            return _take_lines(
                (
                    line,
                    MalformedEntry(reason=str(row), text=row.text) if isinstance(row, RowMalformed) else row,
                )
                for line, row in rows
            )
        except HeaderMalformed as error:
            raise MalformedHeader(str(error)) from None


def _take(values: Iterator[Any]) -> list[Any]:
    """All values. Stops reading and raises TooLarge at the first one above the limit."""
    taken = list(itertools.islice(values, MAX_ENTRIES + 1))
    if len(taken) > MAX_ENTRIES:
        raise TooLarge(f"The body has more than {MAX_ENTRIES} entries. Send fewer at once.", limits=LIMITS)
    return taken


def _take_lines(numbered: Iterator[tuple[int, Any]]) -> Upload:
    pairs = _take(numbered)
    return Upload(entries=[value for _, value in pairs], lines=[line for line, _ in pairs])


def _parse_line(line: bytes) -> Any:
    try:
        return parse_value(decode_utf8(line))
    except NotJSON as error:
        return MalformedEntry(reason=f"This line is not JSON: {error}.", text=line.decode(errors="replace"))
