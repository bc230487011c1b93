"""Open an Excel workbook, which is a zip archive. Memory is bounded for every archive."""

import os
import posixpath
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from typing import IO, BinaryIO, NamedTuple
from xml.etree.ElementTree import Element

from timesheets_files.members import OLD_EXCEL, OLD_WORKBOOK, FileTooLarge, FileUnreadable
from timesheets_files.printable import put_on_one_line
from timesheets_files.workbook_xml import ElementReader

CHUNK_BYTES = 64 * 1024
MAX_WORKBOOK_BYTES = 256 * 1024 * 1024
MAX_BYTES_IN_MEMORY = 16 * 1024 * 1024
MAX_DIRECTORY_BYTES = 1024 * 1024
MAX_SMALL_PART_BYTES = 12 * 1024 * 1024
MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
MAX_SHARED_TEXT_BYTES = 128 * 1024 * 1024
# Each of any number of cells can refer to the same long text.
MAX_TEXT_LENGTH = 1_000
MAX_TITLE_LENGTH = 64
# Only parts with these elements may be large.
ROWS = "sheetData/row"
SHARED_TEXTS = "sst/si"
# The last record of an archive, without its comment.
END, END_BYTES = b"PK\x05\x06", 22
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
TRUE = ("1", "true", "on")


class Copy(tempfile.SpooledTemporaryFile[bytes]):
    """A copy of a workbook, because zipfile reads from the end, which pipes and gzip cannot do."""

    def fill(self, file: BinaryIO) -> None:
        """Read from `file`. Raises FileUnreadable, OSError, and what reading `file` raises."""
        while chunk := file.read(CHUNK_BYTES):
            if self.tell() == 0 and chunk.startswith(OLD_EXCEL):
                raise FileUnreadable(OLD_WORKBOOK)
            self.write(chunk)
            if self.tell() > MAX_WORKBOOK_BYTES:
                raise FileUnreadable("is over 256 MiB, too much for one workbook; split it")
        self.flush()

    def read(self, *sizes: int) -> bytes:
        # zipfile reads the whole directory at once, however large it is.
        if max(sizes, default=0) > MAX_DIRECTORY_BYTES:
            raise FileUnreadable("its archive has more parts than a workbook can have")
        return super().read(*sizes)


class SheetPart(NamedTuple):
    title: str
    part: str
    is_hidden: bool


class Package:
    """The parts of a workbook, of which at most `max_bytes` are unpacked.

    Raises FileUnreadable, FileTooLarge, LookupError, and what zipfile and expat raise.
    """

    def __init__(self, file: Copy, max_bytes: int = MAX_UNPACKED_BYTES) -> None:
        self._left = max_bytes
        self._archive = zipfile.ZipFile(file)
        require_only_archive(file, self._archive)
        self._parts: dict[str, zipfile.ZipInfo] = {}
        for member in self._archive.infolist():
            if self._parts.setdefault(fold(member.filename), member) is not member:
                raise FileUnreadable(f"its archive has two parts named {member.filename!r}")
        if "mimetype" in self._parts:
            raise FileUnreadable("is an OpenDocument file, such as .ods; save it as .xlsx or as CSV UTF-8")
        # Nothing in this part is needed, but an archive without it is not a workbook.
        list(self.read_part("[content_types].xml", "Types/Override"))
        self._by_kind = dict(self._read_references("").values())
        self._references = self._read_references(self._by_kind["officeDocument"])
        self._by_kind |= dict(self._references.values())

    def find_sheets(self) -> list[SheetPart]:
        """The sheets with cells, not charts or macros."""
        sheets = []
        for element in self.read("officeDocument", "sheets/sheet"):
            reference = next((text for name, text in element.items() if name.endswith(" id")), "")
            kind, part = self._references[reference]
            if kind == "worksheet":
                title = put_on_one_line(element.attrib["name"])[:MAX_TITLE_LENGTH]
                sheets.append(SheetPart(title, part, element.get("state", "visible") != "visible"))
        return sheets

    def read(self, kind: str, path: str) -> Iterator[Element]:
        """The elements at `path` in the part of this kind; none without such a part."""
        return self.read_part(self._by_kind[kind], path) if kind in self._by_kind else iter(())

    def read_shared_texts(self, trim: Callable[[str], str]) -> list[str]:
        """The trimmed texts that cells refer to by number. A long one is cut, but stays too long."""
        texts, size = [], 0
        for element in self.read("sharedStrings", SHARED_TEXTS):
            texts.append(trim(join_texts(element))[: MAX_TEXT_LENGTH + 1])
            size += sys.getsizeof(texts[-1])
            if size > MAX_SHARED_TEXT_BYTES:
                raise FileUnreadable("it has too much text for one workbook; split it")
        return texts

    def read_part(self, part: str, path: str) -> Iterator[Element]:
        member = self._parts[part]
        # The other methods unpack a few bytes to gigabytes at once.
        if member.compress_type not in METHODS:
            raise FileUnreadable("its archive uses a compression method that spreadsheets do not use")
        if path not in (ROWS, SHARED_TEXTS) and member.file_size > MAX_SMALL_PART_BYTES:
            raise FileUnreadable("it has more sheets, parts or formats than a workbook can have")
        with self._archive.open(member) as file:
            yield from ElementReader(path).read(self._count(file))

    def _count(self, file: IO[bytes]) -> Iterator[bytes]:
        """The chunks of a part. What counts is what is unpacked, not what the directory states."""
        while chunk := file.read(CHUNK_BYTES):
            self._left -= len(chunk)
            if self._left < 0:
                raise FileTooLarge("it unpacks to too much for one workbook; split it")
            yield chunk

    def _read_references(self, part: str) -> dict[str, tuple[str, str]]:
        """By id, the kind and the name of each part that `part` refers to."""
        folder, name = posixpath.split(part)
        table = posixpath.join(folder, "_rels", f"{name}.rels")
        elements = self.read_part(table, "Relationships/Relationship") if table in self._parts else ()
        return {
            element.attrib["Id"]: (
                posixpath.basename(element.attrib["Type"]),
                fold(posixpath.normpath(posixpath.join("/", folder, element.attrib["Target"]))),
            )
            for element in elements
        }


def require_only_archive(file: IO[bytes], archive: zipfile.ZipFile) -> None:
    """Raise FileUnreadable for bytes before or after the archive, in which another file may hide."""
    begin = min((member.header_offset for member in archive.infolist()), default=0)
    end = END_BYTES + len(archive.comment)
    if begin or file.seek(-end, os.SEEK_END) < 0 or file.read(len(END)) != END:
        raise FileUnreadable("its archive has bytes before or after it; save it again")


def fold(name: str) -> str:
    """The name of a part, which is independent of case and of the kind of slash."""
    return name.replace("\\", "/").lstrip("/").lower()


def join_texts(element: Element) -> str:
    """A text from its pieces, without its pronunciation (`rPh`)."""
    return "".join(piece.text or "" for child in element if child.tag != "rPh" for piece in child.iter("t"))
