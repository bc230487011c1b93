"""What the cells of a workbook hold: texts, numbers, dates, or something that cannot be told."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from enum import Enum

from timesheets_client.reading.workbook_package import TRUE, Package
from timesheets_client.reading.workbook_xml import WorkbookUnreadable

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([Ee][+-]?\d{1,3})?", re.ASCII)
ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
# Formats that mean a date in the languages of East Asia, where Excel has them built in.
EAST_ASIAN_DATES = {*range(27, 37), *range(50, 59)}
# A few bytes of a workbook can stand for any number of long texts, and each costs time.
CHARACTERS_OF_A_TEXT_AT_MOST = 1_000
# What a format shows as it stands: quoted, escaped, a colour, a language.
LITERAL = re.compile(r'"[^"]*"|[\\_*].|\[(?!hh?\]|mm?\]|ss?\])[^\]]*\]', re.IGNORECASE)


class Kind(Enum):
    """What a cell holds; the value is how it is told."""

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
    """`text` is what the cell shows, with dates as ISO has them and with a point in numbers."""

    kind: Kind
    text: str = ""


EMPTY = Cell(kind=Kind.EMPTY)
TOO_LONG = Cell(kind=Kind.TOO_LONG)


class Format(Enum):
    OTHER = 0
    DATE = 1
    MOMENT = 2
    DURATION = 3


class Cells:
    """Makes cells of what stands in a sheet."""

    def __init__(self, package: Package) -> None:
        from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

        self._strings = package.read_strings()
        self._formats = [classify(number, code) for number, code in package.read_number_formats()]
        self._epoch = MAC_EPOCH if package.counts_from_1904 else WINDOWS_EPOCH
        self._readers: Mapping[str, Callable[[str], Cell]] = {
            "s": self._read_shared,
            "str": read_text,
            "inlineStr": read_text,
            "b": read_boolean,
            "e": lambda text: Cell(kind=Kind.ERROR, text=text),
            "d": read_iso_date,
        }

    def read(self, kind: str, style: str, text: str) -> Cell:
        if len(text) > CHARACTERS_OF_A_TEXT_AT_MOST and kind != "s":
            return TOO_LONG
        if kind == "n":
            return self._read_number(text, int(style))
        reader = self._readers.get(kind)
        if reader is None:
            raise WorkbookUnreadable(f"it holds a cell of an unknown type, {kind[:20]!r}")
        return reader(text)

    def _read_shared(self, text: str) -> Cell:
        if not (text.isascii() and text.isdigit()) or not int(text[:10]) < len(self._strings):
            raise WorkbookUnreadable("a cell refers to a shared text that does not exist")
        return read_text(self._strings[int(text)])

    def _read_number(self, text: str, style: int) -> Cell:
        number = float(text) if NUMBER.fullmatch(text) else math.inf
        if not math.isfinite(number):
            raise WorkbookUnreadable(f"it holds a number that is none, {text[:40]!r}")
        chosen = self._formats[style] if 0 <= style < len(self._formats) else Format.OTHER
        if chosen is not Format.OTHER:
            return self._read_date(number, chosen)
        # Excel computes with 15 digits; what follows them is noise.
        return Cell(kind=Kind.NUMBER, text=f"{number:.15g}")

    def _read_date(self, number: float, chosen: Format) -> Cell:
        from openpyxl.utils.datetime import from_excel

        try:
            value = from_excel(number, self._epoch, timedelta=chosen is Format.DURATION)
        except (OverflowError, ValueError):
            return Cell(kind=Kind.ERROR, text=f"{number:.15g}, which is no date")
        return describe_date(value, shows_time=chosen is Format.MOMENT)


def read_text(text: str) -> Cell:
    """Excel escapes characters that XML cannot hold."""
    if len(text) > CHARACTERS_OF_A_TEXT_AT_MOST:
        return TOO_LONG
    decoded = ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text
    return Cell(kind=Kind.TEXT, text=decoded)


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


def classify(number: int, code: str | None) -> Format:
    from openpyxl.styles.numbers import BUILTIN_FORMATS

    if code is None and number in EAST_ASIAN_DATES:
        return Format.DATE
    shown = LITERAL.sub("", BUILTIN_FORMATS.get(number, "") if code is None else code)
    letters = set(shown.partition(";")[0].lower())
    # No other brackets are left than those of [h], [m] and [s].
    if "[" in letters:
        return Format.DURATION
    if letters & set("hs"):
        return Format.MOMENT
    return Format.DATE if letters & set("dmy") else Format.OTHER
