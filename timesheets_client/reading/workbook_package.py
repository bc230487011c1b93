"""Open the zip archive that an Excel workbook is. Memory is bounded, whatever the archive holds."""

import posixpath
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from timesheets_client.reading.entries import make_printable
from timesheets_client.reading.workbook_strings import SharedStrings
from timesheets_client.reading.workbook_xml import Elements, Listener, WorkbookUnreadable, XmlReader

BYTES_KEPT_IN_MEMORY = 16 * 1024 * 1024
BYTES_OF_THE_DIRECTORY_AT_MOST = 1024 * 1024
BYTES_OF_A_SMALL_PART_AT_MOST = 16 * 1024 * 1024
BYTES_UNPACKED_AT_MOST = 1024 * 1024 * 1024
ELEMENTS_AT_MOST = 100_000
CHARACTERS_OF_A_TITLE_TOLD_AT_MOST = 64
USUAL_PARTS = {
    "officeDocument": "xl/workbook.xml",
    "sharedStrings": "xl/sharedstrings.xml",
    "styles": "xl/styles.xml",
}
IS_ENCRYPTED = 1
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
TRUE = ("1", "true", "on")


class Copy(tempfile.SpooledTemporaryFile[bytes]):
    """A copy of a workbook, which is read from its end. Is never read in large pieces, as zipfile would."""

    def __init__(self) -> None:
        super().__init__(BYTES_KEPT_IN_MEMORY)

    def read(self, *sizes: int) -> bytes:
        if max(sizes, default=0) > BYTES_OF_THE_DIRECTORY_AT_MOST:
            raise WorkbookUnreadable("its archive holds more parts than a workbook has")
        return super().read(*sizes)


@dataclass(frozen=True, kw_only=True)
class Sheet:
    title: str
    part: str
    is_hidden: bool


class Package:
    """The parts of a workbook. Raises WorkbookUnreadable, and whatever zipfile and expat raise."""

    def __init__(self, file: Copy) -> None:
        self._archive = zipfile.ZipFile(file)
        self._parts: dict[str, zipfile.ZipInfo] = {}
        for member in self._archive.infolist():
            if self._parts.setdefault(fold(member.filename), member) is not member:
                raise WorkbookUnreadable(f"its archive holds two parts named {member.filename!r}")
        # More than it says, zipfile unpacks of no member.
        if sum(member.file_size for member in self._parts.values()) > BYTES_UNPACKED_AT_MOST:
            raise WorkbookUnreadable("it unpacks to over 1 GiB, too much for one workbook; split it")
        # Holds nothing that is needed; what lacks it is no workbook.
        self._collect("[content_types].xml")
        [self._workbook] = self._find_part("", "officeDocument")
        related = self._collect(self._workbook, "workbook/workbookPr", "sheets/sheet")
        self._sheets = related["sheets/sheet"]
        self.counts_from_1904 = any(each.get("date1904") in TRUE for each in related["workbook/workbookPr"])

    def find_sheets(self) -> list[Sheet]:
        """Those that hold cells, so neither charts nor macros."""
        parts = self._find_related(self._workbook, "")
        with_cells = self._find_related(self._workbook, "/worksheet").values()
        ids = [
            next((value for key, value in each.items() if key.endswith(" id")), "") for each in self._sheets
        ]
        sheets = [
            Sheet(
                title=make_printable(each["name"])[:CHARACTERS_OF_A_TITLE_TOLD_AT_MOST],
                part=parts[key],
                is_hidden=each.get("state", "visible") != "visible",
            )
            for key, each in zip(ids, self._sheets, strict=True)
            if parts[key] in with_cells
        ]
        if len({sheet.part for sheet in sheets}) < len(sheets):
            raise WorkbookUnreadable("two of its sheets are the same part of the archive")
        return sheets

    def read_strings(self) -> SharedStrings:
        strings = SharedStrings()
        for part in self._find_part(self._workbook, "sharedStrings"):
            for _ in self.parse(part, strings):
                pass
        return strings

    def read_number_formats(self) -> list[tuple[int, str | None]]:
        """Of each style of cells the number of its format, and its code unless Excel has it built in."""
        styles: list[tuple[int, str | None]] = []
        for part in self._find_part(self._workbook, "styles"):
            found = self._collect(part, "numFmts/numFmt", "cellXfs/xf")
            codes = {int(each["numFmtId"]): each["formatCode"] for each in found["numFmts/numFmt"]}
            numbers = [int(each.get("numFmtId", 0)) for each in found["cellXfs/xf"]]
            styles += [(number, codes.get(number)) for number in numbers]
        return styles

    def parse(
        self, part: str, listener: Listener, bytes_at_most: int = BYTES_UNPACKED_AT_MOST
    ) -> Iterator[None]:
        member = self._parts[part]
        if member.flag_bits & IS_ENCRYPTED:
            raise WorkbookUnreadable("has a password; save it without one")
        # The others unpack a few bytes to gigabytes at once.
        if member.compress_type not in METHODS:
            raise WorkbookUnreadable("its archive is packed in a way that spreadsheets do not use")
        with self._archive.open(member) as file:
            yield from XmlReader(listener).read(file, bytes_at_most)

    def _collect(self, part: str, *paths: str) -> Mapping[str, list[Mapping[str, str]]]:
        elements = Elements(*paths, at_most=ELEMENTS_AT_MOST)
        for _ in self.parse(part, elements, BYTES_OF_A_SMALL_PART_AT_MOST):
            pass
        return elements.found

    def _find_part(self, source: str, kind: str) -> list[str]:
        """The part that another refers to, or that has the usual name; none if there is no such part."""
        usual = [USUAL_PARTS[kind]] if USUAL_PARTS[kind] in self._parts else []
        return [*self._find_related(source, f"/{kind}").values(), *usual][:1]

    def _find_related(self, part: str, kind: str) -> dict[str, str]:
        """The parts that another part refers to, by the ids of the references. `kind` ends their type."""
        folder, name = posixpath.split(part)
        path = "Relationships/Relationship"
        table = posixpath.join(folder, "_rels", f"{name}.rels")
        references = self._collect(table, path)[path] if table in self._parts else []
        return {
            each["Id"]: fold(posixpath.normpath(posixpath.join("/", folder, each["Target"])))
            for each in references
            if each["Type"].endswith(kind)
        }


def fold(name: str) -> str:
    """The name of a part, in which neither case nor the kind of slash matters."""
    return name.replace("\\", "/").lstrip("/").lower()
