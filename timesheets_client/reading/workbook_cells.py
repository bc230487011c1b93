"""Read the cells of a workbook: texts, numbers, dates, and what cannot be used."""

import math
import re
from dataclasses import dataclass
from datetime import datetime, time
from enum import Enum
from xml.etree.ElementTree import Element

from openpyxl.utils import column_index_from_string
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel
from openpyxl.utils.escape import unescape

from timesheets_client.reading.workbook_formats import NumberFormat, read_formats
from timesheets_client.reading.workbook_package import MAX_TEXT_LENGTH, TRUE, Package, join_texts
from timesheets_client.reading.workbook_xml import WorkbookUnreadable

# As in Excel.
MAX_COLUMNS = 16_384

REFERENCE = re.compile(r"([A-Za-z]{1,3})[1-9][0-9]{0,6}")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([Ee][+-]?\d{1,3})?", re.ASCII)


class Kind(Enum):
    """What a cell holds, in the words of the messages."""

    TEXT = "the text"
    NUMBER = "the number"
    BOOLEAN = "the truth value"
    DATE = "the date"
    DURATION = "the time of day or duration"
    ERROR = "the error"
    NOT_COMPUTED = "a formula without a stored value"
    TOO_LONG = "a text that is longer than any that the API takes"
    EMPTY = "nothing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """`text` is what the cell shows, with ISO dates and decimal points."""

    kind: Kind
    text: str = ""


EMPTY = Cell(kind=Kind.EMPTY)


class CellReader:
    """Reads the cells of a workbook with its shared texts, its formats and its calendar."""

    def __init__(self, package: Package) -> None:
        properties = package.read("officeDocument", "workbook/workbookPr")
        counts_from_1904 = any(each.get("date1904") in TRUE for each in properties)
        self._epoch = MAC_EPOCH if counts_from_1904 else WINDOWS_EPOCH
        self._formats = read_formats(package)
        self._texts = package.read_shared_texts()

    def read_row(self, row: Element) -> list[Cell]:
        """The cells up to the last one that is not empty."""
        cells: dict[int, Cell] = {}
        column = 0
        for element in row.findall("c"):
            reference = element.get("r")
            column = find_column(reference) if reference is not None else column + 1
            if column in cells or column > MAX_COLUMNS:
                raise WorkbookUnreadable("a row holds a cell twice, or one too far right")
            if (cell := self._read_cell(element)) is not EMPTY:
                cells[column] = cell
        return [cells.get(column, EMPTY) for column in range(1, max(cells, default=0) + 1)]

    def _read_cell(self, element: Element) -> Cell:
        kind, value = element.get("t", "n"), element.findtext("v")
        text = value or "".join(map(join_texts, element.findall("is")))
        if text:
            return self._read_value(kind, text, element.get("s", "0"))
        # The empty text is the value of some formulas.
        is_computed = kind == "str" and value is not None
        is_formula = element.find("f") is not None
        return Cell(kind=Kind.NOT_COMPUTED) if is_formula and not is_computed else EMPTY

    def _read_value(self, kind: str, value: str, style: str) -> Cell:
        text = self._find_shared_text(value) if kind == "s" else value
        if len(text) > MAX_TEXT_LENGTH:
            return Cell(kind=Kind.TOO_LONG)
        match kind:
            case "s" | "str" | "inlineStr":
                return Cell(kind=Kind.TEXT, text=unescape(text))
            case "n":
                return self._read_number(text, int(style))
            case "b":
                return read_boolean(text)
            case "d":
                return read_iso_date(text)
            case "e":
                return Cell(kind=Kind.ERROR, text=text)
        raise WorkbookUnreadable(f"it holds a cell of an unknown type, {kind[:20]!r}")

    def _find_shared_text(self, index: str) -> str:
        if re.fullmatch("[0-9]{1,9}", index) and int(index) < len(self._texts):
            return self._texts[int(index)]
        raise WorkbookUnreadable("a cell refers to a shared text that does not exist")

    def _read_number(self, text: str, style: int) -> Cell:
        number = float(text) if NUMBER.fullmatch(text) else math.inf
        if not math.isfinite(number):
            raise WorkbookUnreadable(f"it holds a number that is none, {text[:40]!r}")
        chosen = self._formats[style] if 0 <= style < len(self._formats) else NumberFormat.OTHER
        # Excel computes with 15 digits. The digits after them are noise.
        shown = f"{number:.15g}"
        if chosen is NumberFormat.OTHER:
            return Cell(kind=Kind.NUMBER, text=shown)
        try:
            value = from_excel(number, self._epoch, timedelta=chosen is NumberFormat.DURATION)
        except (OverflowError, ValueError):
            return Cell(kind=Kind.ERROR, text=f"{shown}, which is no date")
        return describe_date(value, shows_time=chosen is NumberFormat.TIMESTAMP)


def find_column(reference: str) -> int:
    """1 for A1."""
    match = REFERENCE.fullmatch(reference)
    if match is None:
        raise WorkbookUnreadable(f"it holds a cell at {reference[:20]!r}, where none can be")
    return column_index_from_string(match[1])


def read_boolean(text: str) -> Cell:
    if text not in ("0", "1", "true", "false"):
        raise WorkbookUnreadable(f"it holds a truth value that is none, {text[:40]!r}")
    return Cell(kind=Kind.BOOLEAN, text="true" if text in TRUE else "false")


def read_iso_date(text: str) -> Cell:
    try:
        return describe_date(datetime.fromisoformat(text), shows_time="T" in text)
    except ValueError:
        return Cell(kind=Kind.DURATION, text=text)


def describe_date(value: object, *, shows_time: bool) -> Cell:
    if not isinstance(value, datetime):
        return Cell(kind=Kind.DURATION, text=str(value))
    has_time = shows_time or value.time() != time()
    return Cell(kind=Kind.DATE, text=value.isoformat() if has_time else value.date().isoformat())
