"""Parse the body of an upload into values that the serializer can judge, in every format."""

import io
import itertools
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import IO, Any, BinaryIO, NamedTuple, cast

from rest_framework.parsers import BaseParser

from timesheets.exceptions import DateOrder, MalformedBody, MalformedHeader, TooLarge, make_sentence
from timesheets_files.csv_rows import open_csv, read_entries
from timesheets_files.dates import DateFormat, compile_reader
from timesheets_files.members import (
    DateOrderInDoubt,
    FileTooLarge,
    FileUnreadable,
    HeaderMalformed,
    RowMalformed,
)
from timesheets_files.signatures import require_text
from timesheets_files.strict_json import (
    MAX_VALUES,
    NotJSON,
    TooManyValues,
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
# Enough to recognize a malformed row, and a token in it.
MAX_QUOTED_LENGTH = 4_000


class MalformedEntry(NamedTuple):
    """Takes the place of an entry that cannot be parsed. `text` is the beginning of what was sent."""

    reason: str
    text: str


class Upload(NamedTuple):
    """The parsed body: per entry a value or a MalformedEntry. `is_single` if the body is one JSON object.

    `lines` has the number of the line on which each entry begins, from 1; JSON has none. `sheets` has the
    titles of their sheets, if a workbook has several that are read. How the body was sent is known of an
    upload that leaves a receipt. `sha256` is in hexadecimal.
    """

    entries: list[Any]
    lines: Sequence[int] = ()
    sheets: Sequence[str] = ()
    is_single: bool = False
    media_type: str = ""
    byte_count: int = 0
    sha256: str = ""


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


class TableParser(BaseParser):
    """Parses a header and one row per entry. A malformed row affects only its own entry."""

    def __init__(self, date_format: DateFormat = DateFormat.ISO, zone: tzinfo | None = None) -> None:
        self.date_format, self.zone = date_format, zone

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return self._read(cast("BinaryIO", stream))
        except HeaderMalformed as error:
            raise MalformedHeader(_explain(error)) from None
        except DateOrderInDoubt as error:
            advice = "Nothing was stored. State the order with date_format=iso, dmy or mdy."
            raise DateOrder(f"{_explain(error)} {advice}") from None
        except FileTooLarge as error:
            raise TooLarge(f"{_explain(error)} Send less at once.", limits=LIMITS) from None
        except FileUnreadable as error:
            raise MalformedBody(_explain(error)) from None

    def _read(self, file: BinaryIO) -> Upload:
        raise NotImplementedError


class CSVParser(TableParser):
    """Parses CSV as spreadsheets save it."""

    media_type = "text/csv"

    def _read(self, file: BinaryIO) -> Upload:
        body = file.read()
        require_text(body)
        if body.count(b"\n") + body.count(b"\r") > MAX_VALUES:
            raise TooManyValues
        with open_csv(io.BytesIO(body)) as table:
            rows = read_entries(table, compile_reader(self.date_format, self.zone))
            return _take_lines((line, _replace_malformed(row)) for line, row in rows)


class WorkbookParser(TableParser):
    """Parses the sheets of an Excel workbook whose first row names columns of an entry."""

    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def _read(self, file: BinaryIO) -> Upload:
        # Most processes never read a workbook, and openpyxl takes memory.
        from timesheets_files.workbook_values import read_sheet
        from timesheets_files.workbooks import read_sheets

        titles: list[str] = []

        def read_rows() -> Iterator[tuple[int, Any]]:
            for sheet in read_sheets(file, max_bytes=MAX_UNZIPPED_BYTES):
                for row in read_sheet(sheet, self.date_format, self.zone):
                    titles.append(sheet.title)
                    yield row

        upload = _take_lines((line, _replace_malformed(row)) for line, row in read_rows())
        return upload._replace(sheets=titles) if len(set(titles)) > 1 else upload


def _replace_malformed(row: Any) -> Any:
    if isinstance(row, RowMalformed):
        return MalformedEntry(reason=make_sentence(str(row)), text=row.text[:MAX_QUOTED_LENGTH])
    return row


def _explain(error: FileUnreadable) -> str:
    """Such as `Line 1: the first row must name...`."""
    sheet = [f"sheet {error.sheet}"] * bool(error.sheet)
    place = ", ".join([*sheet, *[f"line {error.line}"] * (error.line is not None)])
    subject = "the body " if str(error).startswith(("is ", "has ")) else ""
    return make_sentence(f"{place}: {error}" if place else f"{subject}{error}")


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
