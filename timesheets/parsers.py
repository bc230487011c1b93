"""Parse the body of an upload into values that the serializer can judge, in every format."""

import codecs
import io
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import tzinfo
from typing import Any, NamedTuple

from timesheets.exceptions import DateOrder, MalformedBody, MalformedHeader, TooLarge, make_sentence
from timesheets_files.csv_rows import open_csv, read_entries
from timesheets_files.dates import DateFormat, compile_reader
from timesheets_files.members import (
    DateOrderInDoubt,
    FileTooLarge,
    FileUnreadable,
    HeaderMalformed,
    RowMalformed,
    require_text,
)
from timesheets_files.strict_json import (
    MAX_DEPTH,
    MAX_VALUES,
    NotJSON,
    TooManyValues,
    decode_utf8,
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


def read_json(body: bytes) -> Upload:
    """One entry, or an array of entries (RFC 8259)."""
    try:
        require_few_values(body)
        text = decode_utf8(body)
        # The limit of levels is that of an entry.
        value = parse_value(text, MAX_DEPTH + text.lstrip().startswith("["))
    except NotJSON as error:
        raise MalformedBody(f"The body is not JSON: {error}.") from None
    if isinstance(value, list):
        return Upload(entries=_take(iter(value)))
    if not isinstance(value, dict):
        raise MalformedBody("The body is neither a JSON object nor an array.")
    return Upload(entries=[value], is_single=True)


def read_ndjson(body: bytes) -> Upload:
    """One JSON text per line. A malformed line affects only its own entry."""
    body = body.removeprefix(codecs.BOM_UTF8)
    require_few_values(body)
    lines = enumerate((line.strip(b" \t\r\n") for line in io.BytesIO(body)), start=1)
    return _take_lines((number, _parse_line(line)) for number, line in lines if line)


def read_csv(body: bytes, date_format: DateFormat, zone: tzinfo | None) -> Upload:
    """CSV as spreadsheets save it. A malformed row affects only its own entry."""
    with _explain_faults():
        require_text(body)
        if body.count(b"\n") + body.count(b"\r") > MAX_VALUES:
            raise TooManyValues
        with open_csv(io.BytesIO(body)) as table:
            return _take_lines(read_entries(table, compile_reader(date_format, zone)))


def read_workbook(body: bytes, date_format: DateFormat, zone: tzinfo | None) -> Upload:
    """The sheets of an Excel workbook whose first row names columns of an entry."""
    # Most processes never read a workbook, and openpyxl takes memory.
    from timesheets_files.workbook_values import read_sheet
    from timesheets_files.workbooks import read_sheets

    titles: list[str] = []

    def read_rows() -> Iterator[tuple[int, Any]]:
        for sheet in read_sheets(io.BytesIO(body), max_bytes=MAX_UNZIPPED_BYTES):
            for row in read_sheet(sheet, date_format, zone):
                titles.append(sheet.title)
                yield row

    with _explain_faults():
        upload = _take_lines(read_rows())
    return upload._replace(sheets=titles) if len(set(titles)) > 1 else upload


@contextmanager
def _explain_faults() -> Iterator[None]:
    """Raise the API's errors in place of the reader's."""
    try:
        yield
    except HeaderMalformed as error:
        raise MalformedHeader(_explain(error)) from None
    except DateOrderInDoubt as error:
        advice = "Nothing was stored. State the order with date_format=iso, dmy or mdy."
        raise DateOrder(f"{_explain(error)} {advice}") from None
    except FileTooLarge as error:
        raise TooLarge(f"{_explain(error)} Send less at once.", limits=LIMITS) from None
    except FileUnreadable as error:
        raise MalformedBody(_explain(error)) from None


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
    entries = [
        MalformedEntry(reason=make_sentence(str(row)), text=row.text[:MAX_QUOTED_LENGTH])
        if isinstance(row, RowMalformed)
        else row
        for _, row in pairs
    ]
    return Upload(entries=entries, lines=[line for line, _ in pairs])


def _parse_line(line: bytes) -> Any:
    try:
        return parse_value(decode_utf8(line))
    except NotJSON as error:
        return MalformedEntry(reason=f"This line is not JSON: {error}.", text=line.decode(errors="replace"))
