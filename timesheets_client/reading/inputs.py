"""Open an input, detect its format and read its entries, or explain why it cannot be read."""

import codecs
import gzip
import io
import os
import shutil
import stat
import tempfile
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import tzinfo
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from timesheets_client.errors import InputUnreadable
from timesheets_client.printable import escape
from timesheets_client.reading.csv_files import UTF_8, read_csv
from timesheets_client.reading.entries import InputItem
from timesheets_client.reading.json_files import read_json, read_ndjson
from timesheets_client.reading.json_values import NotJSON, parse_value
from timesheets_client.reading.signatures import GZIP, OLD_EXCEL, ZIP
from timesheets_client.reading.temporary_copies import explain_full_disk

if TYPE_CHECKING:
    from timesheets_client.reading.maps.rows import EntryMap

STANDARD_INPUT = "-"
PEEK_BYTES = 64 * 1024


class Format(StrEnum):
    AUTO = "auto"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    XLSX = "xlsx"


def read_xlsx(
    file: BinaryIO,
    name: str,
    zone: tzinfo | None,
    entry_map: "EntryMap | None" = None,
    sheets: Sequence[str] = (),
) -> Iterator[InputItem]:
    # Only workbooks need openpyxl and XML, and importing them takes longer than uploading a small file.
    from timesheets_client.reading.workbooks import read_workbook

    return read_workbook(file, name, zone, entry_map, sheets)


READERS: Mapping[Format, Callable[[BinaryIO, str, tzinfo | None], Iterator[InputItem]]] = {
    Format.JSON: read_json,
    Format.NDJSON: read_ndjson,
    Format.CSV: read_csv,
    Format.XLSX: read_xlsx,
}
# JSON has entries already, such as those of a rejects file.
TABLE_READERS = {Format.CSV: read_csv, Format.XLSX: read_xlsx}
SUFFIXES: Mapping[str, Format] = {
    ".json": Format.JSON,
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".xlsx": Format.XLSX,
}
UNREADABLE: Mapping[bytes, str] = {
    b"\xff\xfe": 'is in UTF-16; save it as "CSV UTF-8"',
    b"\xfe\xff": 'is in UTF-16; save it as "CSV UTF-8"',
    OLD_EXCEL: "is a workbook in Excel's old format, or has a password; save it as .xlsx without a password",
    b"%PDF": "is a PDF; save the table as CSV UTF-8 instead",
    ZIP: "is an Excel workbook or a zip archive, despite its name; --format xlsx reads a workbook",
}


@dataclass(frozen=True, kw_only=True)
class Input:
    """An open input. `name` is safe to print; `given` is the unescaped name of a file.

    `path` is None if the input can be read only once, such as a pipe.
    """

    name: str
    file: BinaryIO
    path: Path | None = None
    given: str | None = None

    @property
    def size(self) -> int | None:
        return os.fstat(self.file.fileno()).st_size if self.path else None

    def tell(self) -> int:
        """The number of bytes that have been read."""
        return self.file.tell()


def open_input(name: str, stdin: BinaryIO) -> Input:
    """The file with this name, or standard input for `-`. Raises InputUnreadable."""
    if name == STANDARD_INPUT:
        return Input(name="standard input", file=stdin)
    path, shown = Path(name), escape(name)
    try:
        if path.is_dir():
            raise InputUnreadable(f"{shown}: is a folder; --spool {shown} uploads the files in it")
        file = cast("BinaryIO", path.open("rb"))
    except OSError as error:
        raise InputUnreadable(f"{shown}: cannot be read: {error.strerror}") from None
    is_regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    return Input(name=shown, file=file, path=path if is_regular else None, given=name)


@contextmanager
def open_repeatable(source: Input) -> Iterator[Input]:
    """The input, or a copy if it can be read only once. Raises InputUnreadable or TemporaryFailure."""
    if source.path:
        yield source
        return
    try:
        with explain_full_disk(source.name), tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(source.file, copy)
            copy.seek(0)
            yield replace(source, file=cast("BinaryIO", copy))
    except OSError as error:
        problem = f"{source.name}: cannot be copied to a temporary file: {error.strerror or error}"
        raise InputUnreadable(f"{problem}; set TMPDIR, or upload a file") from None


def read_entries(
    source: Input,
    chosen: Format,
    zone: tzinfo | None,
    entry_map: "EntryMap | None" = None,
    sheets: Sequence[str] = (),
) -> Generator[InputItem]:
    """The entries of the input, as a stream. Raises InputUnreadable, even after some entries.

    A table is read as `entry_map` says, and a workbook only in `sheets`, if there are any. The caller closes
    the input.
    """
    try:
        raw = cast("io.BufferedReader", source.file)
        head = raw.peek(PEEK_BYTES)
        is_zipped = head.startswith(GZIP)
        file = io.BufferedReader(gzip.GzipFile(fileobj=raw)) if is_zipped else raw
        head = file.peek(PEEK_BYTES) if is_zipped else head
        found = find_format(source.name, chosen, head)
        reader = READERS[found]
        if entry_map and found in TABLE_READERS:
            require_encoding(source.name, entry_map.encoding, head)
            reader = partial(TABLE_READERS[found], entry_map=entry_map)
        if found is Format.XLSX:
            reader = partial(read_xlsx, entry_map=entry_map, sheets=sheets)
        yield from reader(cast("BinaryIO", file), source.name, zone)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputUnreadable(
            f"{source.name}: the compressed file is damaged or was cut; the entries before that were read"
        ) from None
    except OSError as error:
        raise InputUnreadable(f"{source.name}: cannot be read: {error.strerror or error}") from None


def find_format(name: str, chosen: Format, head: bytes) -> Format:
    """The chosen format, else the one of the suffix, else of the first bytes. Raises InputUnreadable."""
    if not head:
        raise InputUnreadable(f"{name}: is empty; a file without entries has a header or []")
    suffix = Path(name.lower().removesuffix(".gz")).suffix
    found = SUFFIXES.get(suffix) or guess_format(head) if chosen is Format.AUTO else chosen
    if found is not Format.XLSX:
        require_text(name, head)
    return found


def require_encoding(name: str, encoding: str, head: bytes) -> None:
    if encoding != UTF_8 and head.startswith(codecs.BOM_UTF8):
        raise InputUnreadable(f"{name}: is in UTF-8, as its first bytes say, and not in {encoding}")


def guess_format(head: bytes) -> Format:
    if head.startswith((ZIP, OLD_EXCEL)):
        return Format.XLSX
    text = head.decode(errors="replace").lstrip("\ufeff \t\r\n")
    if text.startswith("["):
        return Format.JSON
    if not text.startswith("{"):
        return Format.CSV
    try:
        parse_value(text.partition("\n")[0])
    except NotJSON:
        # One object on several lines.
        return Format.JSON
    return Format.NDJSON


def require_text(name: str, head: bytes) -> None:
    for mark, problem in UNREADABLE.items():
        if head.startswith(mark):
            raise InputUnreadable(f"{name}: {problem}")
    if b"\0" in head:
        raise InputUnreadable(f"{name}: is a binary file, neither CSV nor JSON")
