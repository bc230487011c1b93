"""Decide whether the format of a cell shows a number as a date, a timestamp or a duration."""

import re
from enum import Enum

from openpyxl.styles.numbers import BUILTIN_FORMATS

from timesheets_client.reading.workbook_package import Package

# As in Excel.
MAX_CODE_LENGTH = 255
# Built-in formats that are dates in East Asian languages.
EAST_ASIAN_DATES = {*range(27, 37), *range(50, 59)}
# The parts of a format that are not placeholders: quoted or escaped text, colors, languages.
LITERAL = re.compile(r'"[^"]*"|[\\_*].|\[(?!hh?\]|mm?\]|ss?\])[^\]]*\]', re.IGNORECASE)


class NumberFormat(Enum):
    OTHER = 0
    DATE = 1
    TIMESTAMP = 2
    DURATION = 3


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
