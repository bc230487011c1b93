"""Read the entries of an Excel workbook."""

import errno
import struct
import zipfile
import zlib
from collections.abc import Iterator
from datetime import tzinfo
from typing import BinaryIO
from xml.parsers.expat import ExpatError

from timesheets_client.errors import InputUnreadable, TemporaryFailure
from timesheets_client.reading.entries import COLUMNS, Read, Suspicion
from timesheets_client.reading.rows import Header, read_header
from timesheets_client.reading.workbook_cells import Cells, Kind
from timesheets_client.reading.workbook_entries import judge_row
from timesheets_client.reading.workbook_package import Copy, Package
from timesheets_client.reading.workbook_rows import Row, read_rows
from timesheets_client.reading.workbook_xml import WorkbookUnreadable

BYTES_COPIED_AT_ONCE = 64 * 1024
BYTES_AT_MOST = 256 * 1024 * 1024
OLD_EXCEL = b"\xd0\xcf\x11\xe0"
# What a workbook with a password holds, which is packed in the old format.
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")

OUT_OF_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

# What zipfile, zlib, expat and a conversion raise for a file that is damaged or was made to harm.
DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ExpatError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)
DAMAGED = "is not a whole Excel workbook (.xlsx); save it again, or as CSV UTF-8"


class Findings:
    """What is suspicious about a workbook, and where it is found first."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def note(self, reason: str, place: str) -> None:
        self._first.setdefault(reason, place)

    def report(self, name: str) -> Iterator[Suspicion]:
        if self._first:
            reasons = [f"{reason} (first: {place})" for reason, place in self._first.items()]
            yield Suspicion(source=name, reasons=reasons)


def read_workbook(file: BinaryIO, name: str, zone: tzinfo | None) -> Iterator[Read]:
    """Each row of each sheet that names our columns. Other sheets are somebody's notes.

    Raises InputUnreadable.
    """
    try:
        with Copy() as copy:
            copy_workbook(file, copy, name)
            yield from read_copy(copy, name, zone)
    except OSError as error:
        if error.errno not in OUT_OF_SPACE:
            raise
        raise TemporaryFailure(
            f"{name}: there is no space for a temporary copy of it; run it again when there is, or set TMPDIR"
        ) from None


def copy_workbook(file: BinaryIO, copy: Copy, name: str) -> None:
    """A workbook is read from its end, which pipes and gzip cannot do."""
    size, is_old, is_encrypted = 0, False, False
    while piece := file.read(BYTES_COPIED_AT_ONCE):
        is_old = is_old or (not size and piece.startswith(OLD_EXCEL))
        is_encrypted = is_encrypted or (is_old and ENCRYPTED in piece)
        size += len(piece)
        if size > BYTES_AT_MOST:
            raise InputUnreadable(f"{name}: is over 256 MiB, too much for one workbook; split it")
        copy.write(piece)
    copy.flush()
    if is_encrypted:
        raise InputUnreadable(f"{name}: has a password; save it without one")
    if is_old:
        raise InputUnreadable(
            f"{name}: is a workbook in Excel's old format; save it as .xlsx or as CSV UTF-8"
        )


def read_copy(copy: Copy, name: str, zone: tzinfo | None) -> Iterator[Read]:
    try:
        yield from read_sheets(Package(copy), name, zone)
    except WorkbookUnreadable as error:
        raise InputUnreadable(f"{name}: {error}") from None
    except (*DAMAGES, LookupError) as error:
        raise InputUnreadable(f"{name}: {DAMAGED}") from error


def read_sheets(package: Package, name: str, zone: tzinfo | None) -> Iterator[Read]:
    cells = Cells(package)
    findings = Findings()
    found = False
    for sheet in package.find_sheets():
        rows = read_rows(package, sheet, cells)
        first = next(rows, None)
        source = f"{name}!{sheet.title}"
        header = find_header(first, source)
        if header is None:
            continue
        found = True
        if sheet.is_hidden:
            findings.note("a hidden sheet was read too", sheet.title)
        for row in rows:
            if row.cells:
                note_findings(row, f"{sheet.title}:{row.number}", findings)
                yield judge_row(f"{source}:{row.number}", row, header, zone)
    if not found:
        raise InputUnreadable(f"{name}: no sheet has a first row that names the columns {', '.join(COLUMNS)}")
    yield from findings.report(name)


def find_header(row: Row | None, source: str) -> Header | None:
    """The names of the columns, if the first row names one of ours. Raises InputUnreadable."""
    if row is None or row.number > 1:
        return None
    texts = [cell.text for cell in row.list_cells(0)]
    names_ours = any(text.strip() in COLUMNS for text in texts)
    return read_header(texts, f"{source}:1") if names_ours else None


def note_findings(row: Row, place: str, findings: Findings) -> None:
    if row.is_hidden:
        findings.note("hidden rows were read too", place)
    if any(cell.kind is Kind.NOT_COMPUTED for cell in row.cells.values()):
        findings.note("formulas have no stored value", place)
