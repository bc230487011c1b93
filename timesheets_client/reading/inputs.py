"""Open an input, detect its format and read its entries, or explain why it cannot be read."""

import codecs
import gzip
import io
import os
import re
import shutil
import stat
import tempfile
import zlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, cast

from timesheets_client.errors import DateOrderInDoubt, InputUnreadable
from timesheets_client.reading.entries import InputItem
from timesheets_client.reading.json_files import read_json, read_ndjson
from timesheets_client.reading.maps.shipped import suggest_map
from timesheets_client.reading.table_files import TableOptions, explain_full_disk, read_csv, read_xlsx
from timesheets_files.csv_rows import UTF_8
from timesheets_files.dates import DateFormat
from timesheets_files.members import GZIP, OLD_EXCEL, ZIP, FileUnreadable, HeaderMalformed, require_text
from timesheets_files.members import DateOrderInDoubt as OrderInDoubt
from timesheets_files.printable import escape

STANDARD_INPUT = "-"
PEEK_BYTES = 64 * 1024
MONTH_ABOVE_12 = re.compile(rb"\d{4}-(?:1[3-9]|[2-9]\d)-")
AS_THEY_ARE = TableOptions()


class Format(StrEnum):
    AUTO = "auto"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    XLSX = "xlsx"


# They have entries already, such as those of a rejects file.
ENTRY_READERS = {Format.JSON: read_json, Format.NDJSON: read_ndjson}
TABLE_READERS = {Format.CSV: read_csv, Format.XLSX: read_xlsx}
SUFFIXES: Mapping[str, Format] = {
    ".json": Format.JSON,
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".xlsx": Format.XLSX,
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


def read_entries(source: Input, chosen: Format, options: TableOptions = AS_THEY_ARE) -> Generator[InputItem]:
    """The entries of the input, as a stream. Raises InputUnreadable, even after some entries.

    `options` apply to tables. The caller closes the input.
    """
    try:
        raw = cast("io.BufferedReader", source.file)
        head = raw.peek(PEEK_BYTES)
        is_zipped = head.startswith(GZIP)
        file = io.BufferedReader(gzip.GzipFile(fileobj=raw)) if is_zipped else raw
        head = file.peek(PEEK_BYTES) if is_zipped else head
        found = find_format(source.name, chosen, head)
        if found in ENTRY_READERS:
            yield from ENTRY_READERS[found](cast("BinaryIO", file), source.name, options.time_zone)
            return
        encoding = options.entry_map.encoding if options.entry_map else UTF_8
        if encoding != UTF_8 and head.startswith(codecs.BOM_UTF8):
            raise InputUnreadable(
                f"{source.name}: is in UTF-8, as its first bytes say, and not in {encoding}"
            )
        yield from TABLE_READERS[found](cast("BinaryIO", file), source.name, options)
    except FileUnreadable as error:
        header = error.header if isinstance(error, HeaderMalformed) else ()
        problem = suggest_map(header) or str(error)
        kind = DateOrderInDoubt if isinstance(error, OrderInDoubt) else InputUnreadable
        # Such as week23.csv:1, or week23.xlsx!Sheet1:1.
        place = f"!{error.sheet}" * bool(error.sheet) + f":{error.line}" * (error.line is not None)
        raise kind(f"{source.name}{place}: {problem}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputUnreadable(
            f"{source.name}: the compressed file is damaged or was cut; the entries before that were read"
        ) from None
    except OSError as error:
        raise InputUnreadable(f"{source.name}: cannot be read: {error.strerror or error}") from None


def may_be_in_doubt(source: Input, chosen: Format, options: TableOptions) -> bool:
    """Whether a first pass must find out if a date of a table only fits with day and month swapped.

    A file of ISO dates is only searched for months above 12, which takes a hundredth of the time.
    """
    head = cast("io.BufferedReader", source.file).peek(PEEK_BYTES)
    suffix = Path(source.name.lower().removesuffix(".gz")).suffix
    is_zipped = head.startswith(GZIP)
    found = SUFFIXES.get(suffix, chosen) if is_zipped else find_format(source.name, chosen, head)
    if found in ENTRY_READERS:
        return False
    if is_zipped or found is Format.XLSX or options.date_format is not DateFormat.ISO or not source.path:
        return True
    with source.path.open("rb") as file:
        tail = b""
        while chunk := file.read(PEEK_BYTES):
            if MONTH_ABOVE_12.search(tail + chunk):
                return True
            tail = chunk[-len("2026-13-") :]
    return False


def find_format(name: str, chosen: Format, head: bytes) -> Format:
    """The chosen format, else the one of the suffix, else of the first bytes. Raises InputUnreadable."""
    if not head:
        raise InputUnreadable(f"{name}: is empty; a file without entries has a header or []")
    suffix = Path(name.lower().removesuffix(".gz")).suffix
    found = SUFFIXES.get(suffix) or guess_format(head) if chosen is Format.AUTO else chosen
    if found is not Format.XLSX:
        require_text(head)
    return found


def guess_format(head: bytes) -> Format:
    if head.startswith((ZIP, OLD_EXCEL)):
        return Format.XLSX
    text = head.decode(errors="replace").lstrip("\ufeff \t\r\n")
    if text.startswith("["):
        return Format.JSON
    if not text.startswith("{"):
        return Format.CSV
    # JSON has one object on several lines.
    return Format.NDJSON if text.partition("\n")[0].rstrip().endswith("}") else Format.JSON
