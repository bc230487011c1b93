"""Read durations in a stated unit, and turn them into hours as the API takes them."""

import re
from collections.abc import Callable
from decimal import Decimal

from timesheets_files.members import Malformed
from timesheets_files.printable import quote

SECONDS = {"hours": 3600, "minutes": 60, "seconds": 1}
# Each matches few characters, so that no long text can fill a cache.
NUMBER = r"\d{{1,9}}(?:{decimal}\d{{1,9}})?"
CLOCKS = {
    "h:mm": r"(?P<h>\d{1,5}):(?P<m>[0-5]\d)",
    "h:mm:ss": r"(?P<h>\d{1,5}):(?P<m>[0-5]\d):(?P<s>[0-5]\d)",
    "1d 2h 30m": r"(?=\d)(?:(?P<d>\d{1,3})\s?d)?\s?(?:(?P<h>\d{1,5})\s?h)?\s?(?:(?P<m>\d{1,5})\s?m)?",
    "1h 30m": r"(?=\d)(?:(?P<h>\d{1,5})\s?h)?\s?(?:(?P<m>\d{1,5})\s?m(?:in)?)?\s?(?:(?P<s>\d{1,5})\s?s)?",
}
WITH_DAYS = "1d 2h 30m"
UNITS = (*SECONDS, *CLOCKS)
EXAMPLES = {"hours": "1.5", "minutes": "90", "seconds": "5400", "h:mm": "1:30", "h:mm:ss": "1:30:00"}


class RoundsToZero(Malformed):
    """A duration above 0 that becomes 0 hours."""


def compile_unit(
    unit: str, decimal: str = ".", hours_per_day: Decimal | int = 24
) -> Callable[[str], Decimal]:
    """A function that reads a duration as hours. It raises Malformed, or RoundsToZero.

    `decimal` is the mark between the digits of a number, and applies to hours, minutes and seconds.
    """
    seconds_per_unit = {"d": hours_per_day * 3600, "h": 3600, "m": 60, "s": 1}
    pattern = CLOCKS.get(unit) or NUMBER.format(decimal=re.escape(decimal))
    fullmatch = re.compile(pattern, re.ASCII).fullmatch
    example = EXAMPLES.get(unit, unit).replace(".", decimal)

    def read(text: str) -> Decimal:
        match = fullmatch(text)
        if match is None:
            raise Malformed(f"{quote(text)} is not a duration such as {example}")
        if unit in SECONDS:
            return make_hours(Decimal(text.replace(decimal, ".")) * SECONDS[unit], text)
        counts = {each: int(count or 0) for each, count in match.groupdict().items()}
        return make_hours(
            Decimal(sum(seconds_per_unit[each] * count for each, count in counts.items())), text
        )

    return read


def make_hours(seconds: Decimal, text: str) -> Decimal:
    """The hours, rounded half up to hundredths. Raises RoundsToZero; `text` is for its message."""
    hundredths = (2 * seconds + 36) // 72
    if seconds and not hundredths:
        raise RoundsToZero(
            f"{quote(text)} is less than 18 seconds, which are 0 hours; write 0.01, or skip such rows: "
            "write two lines in the map, [[skip]] and hours = 0"
        )
    return Decimal(int(hundredths)).scaleb(-2)
