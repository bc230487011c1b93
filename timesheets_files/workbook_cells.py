"""Read the cells of a workbook: texts, numbers, dates, booleans, errors."""

import math
import re
from datetime import datetime, time, timedelta
from enum import Enum
from string import digits
from xml.etree.ElementTree import Element

from openpyxl.styles.numbers import BUILTIN_FORMATS
from openpyxl.utils import column_index_from_string
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel
from openpyxl.utils.escape import unescape

from timesheets_files.members import FileUnreadable
from timesheets_files.workbook_package import MAX_TEXT_LENGTH, TRUE, Package, join_texts
from timesheets_files.workbook_values import EMPTY, Cell, Kind

# As in Excel.
MAX_COLUMNS = 16_384
MAX_CODE_LENGTH = 255

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([Ee][+-]?\d{1,3})?", re.ASCII)
BOOLEANS = {"0": "false", "1": "true", "false": "false", "true": "true"}
# Built-in formats that are dates in East Asian languages.
EAST_ASIAN_DATES = {*range(27, 37), *range(50, 59)}
# The parts of a format that are not placeholders: quoted or escaped text, colors, languages.
LITERAL = re.compile(r'"[^"]*"|[\\_*].|\[(?!hh?\]|mm?\]|ss?\])[^\]]*\]', re.IGNORECASE)


class NumberFormat(Enum):
    OTHER = 0
    DATE = 1
    TIMESTAMP = 2
    DURATION = 3


class CellReader:
    """Reads the cells of a workbook with its shared texts, its formats and its calendar."""

    def __init__(self, package: Package) -> None:
        properties = package.read("officeDocument", "workbook/workbookPr")
        counts_from_1904 = any(each.get("date1904") in TRUE for each in properties)
        self._epoch = MAC_EPOCH if counts_from_1904 else WINDOWS_EPOCH
        self._formats = read_formats(package)
        self._texts = package.read_shared_texts(trim)

    def read_row(self, row: Element) -> list[Cell]:
        """The cells up to the last one that is not empty."""
        cells: dict[int, Cell] = {}
        column = 0
        for element in row.findall("c"):
            reference = element.get("r")
            column = column_index_from_string(reference.rstrip(digits)) if reference else column + 1
            if column in cells or column > MAX_COLUMNS:
                raise FileUnreadable("a row has a cell twice, or a cell too far right")
            if (cell := self._read_cell(element)) is not EMPTY:
                cells[column] = cell
        return [cells.get(column, EMPTY) for column in range(1, max(cells, default=0) + 1)]

    def _read_cell(self, element: Element) -> Cell:
        kind, value = element.get("t", "n"), element.findtext("v")
        text = value or "".join(map(join_texts, element.findall("is")))
        if text:
            return self._read_value(kind, text, element.get("s", "0"))
        # An empty text can be the value of a formula.
        is_computed = kind == "str" and value is not None
        is_formula = element.find("f") is not None
        return Cell(kind=Kind.NOT_COMPUTED) if is_formula and not is_computed else EMPTY

    def _read_value(self, kind: str, value: str, style: str) -> Cell:
        if kind == "s" and not value.isdecimal():
            raise FileUnreadable("a cell refers to a shared text that does not exist")
        # A shared text is trimmed once, because a copy for each cell would take memory.
        text = self._texts[int(value)] if kind == "s" else trim(value)
        if len(text) > MAX_TEXT_LENGTH:
            return Cell(kind=Kind.TOO_LONG)
        match kind:
            case "s" | "str" | "inlineStr":
                return Cell(kind=Kind.TEXT, text=text) if text else EMPTY
            case "n":
                return self._read_number(text, int(style))
            case "b" if text in BOOLEANS:
                return Cell(kind=Kind.BOOLEAN, text=BOOLEANS[text])
            case "d":
                return read_iso_date(text)
            case "e":
                return Cell(kind=Kind.ERROR, text=text)
        raise FileUnreadable(f"it has a cell of an unknown type or value: {kind[:20]}, {text[:40]!r}")

    def _read_number(self, text: str, style: int) -> Cell:
        number = float(text) if NUMBER.fullmatch(text) else math.inf
        if not math.isfinite(number):
            raise FileUnreadable(f"{text[:40]!r} in a cell is not a number")
        chosen = self._formats[style] if 0 <= style < len(self._formats) else NumberFormat.OTHER
        # Excel computes with 15 digits; the rest is noise.
        shown = f"{number:.15g}"
        if chosen is NumberFormat.OTHER:
            return Cell(kind=Kind.NUMBER, text=shown)
        if chosen is not NumberFormat.DURATION and self._epoch == WINDOWS_EPOCH and 60 <= number < 61:
            raise FileUnreadable("it has the date 1900-02-29, which was no day")
        try:
            value = from_excel(number, self._epoch, timedelta=chosen is NumberFormat.DURATION)
        except (OverflowError, ValueError):
            return Cell(kind=Kind.ERROR, text=f"{shown}, which is not a date")
        return describe_date(value, shows_time=chosen is NumberFormat.TIMESTAMP)


def trim(text: str) -> str:
    """The text as Excel shows it, without white space at its ends."""
    return str(unescape(text)).strip()


def read_iso_date(text: str) -> Cell:
    try:
        return describe_date(datetime.fromisoformat(text), shows_time="T" in text)
    except ValueError:
        return Cell(kind=Kind.DURATION, text=text)


def describe_date(value: object, *, shows_time: bool) -> Cell:
    if isinstance(value, timedelta):
        # As in 24:19:36, without the noise of a fraction of a day.
        minutes, seconds = divmod(abs(round(value.total_seconds())), 60)
        sign = "-" if value < timedelta() else ""
        return Cell(kind=Kind.DURATION, text=f"{sign}{minutes // 60}:{minutes % 60:02}:{seconds:02}")
    if not isinstance(value, datetime):
        return Cell(kind=Kind.DURATION, text=str(value))
    has_time = shows_time or value.time() != time()
    return Cell(kind=Kind.DATE, text=value.isoformat() if has_time else value.date().isoformat())


def read_formats(package: Package) -> list[NumberFormat]:
    """The format of each style of cells."""
    codes = {
        int(each.attrib["numFmtId"]): each.attrib["formatCode"][:MAX_CODE_LENGTH]
        for each in package.read("styles", "numFmts/numFmt")
    }
    numbers = (int(each.get("numFmtId", 0)) for each in package.read("styles", "cellXfs/xf"))
    return [classify(number, codes.get(number)) for number in numbers]


def classify(number: int, code: str | None) -> NumberFormat:
    """The format with this number; `code` is None if it is built into Excel."""
    if code is None and number in EAST_ASIAN_DATES:
        return NumberFormat.DATE
    shown = LITERAL.sub("", BUILTIN_FORMATS.get(number, "") if code is None else code)
    letters = set(shown.partition(";")[0].lower())
    # LITERAL leaves no brackets but those of [h], [m] and [s].
    if "[" in letters:
        return NumberFormat.DURATION
    if letters & set("hs"):
        return NumberFormat.TIMESTAMP
    return NumberFormat.DATE if letters & set("dmy") else NumberFormat.OTHER
