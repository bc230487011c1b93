"""Read dates and times of day in the formats of strptime. The order of day and month is never guessed."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from timesheets_files.dates import Swapped
from timesheets_files.members import Malformed
from timesheets_files.printable import quote

# Those that mean the same in every locale; months have English names.
DIRECTIVES = "YmdbBHIpMSfz"
# A number that another one follows at once needs all of its digits.
ADJACENT = re.compile("%[YmdHIMSf]%[YmdHIMSf]")
DIGITS = re.compile(r"\d+", re.ASCII)
NOON = re.compile(r"([ap])\.?m\.?", re.IGNORECASE)
DATE = set("Ymd")
MONTH = set("mbB")
TIMES = tuple(map(set, ("HM", "HMS", "HMSf", "IMp", "IMSp", "IMSfp")))
MAX_TEXTS = 4096
MAX_LENGTH = 100


class Moment(NamedTuple):
    """A date and a time of day as in RFC 3339. What the format does not have is empty."""

    day: str
    time: str
    offset: str


def find_directives(layout: str) -> list[str]:
    return re.findall("%(.?)", layout, re.DOTALL)


def find_fault(layout: str) -> str | None:
    """Return why this is not a format of a date, of a time of day, or of both."""
    directives = find_directives(layout)
    if unknown := [each for each in directives if not each or each not in DIRECTIVES]:
        known = " ".join(f"%{each}" for each in DIRECTIVES)
        return f"there is no %{unknown[0]}; the directives are {known}"
    parts = ["m" if each in MONTH else each for each in directives]
    if repeated := [each for each in parts if parts.count(each) > 1]:
        return f"%{repeated[0]} is there more than once"
    of_date, of_time = DATE & set(parts), set(parts) - DATE - {"z"}
    if of_date and of_date != DATE:
        return "a date needs %Y, %d and %m (or %b or %B, for English names of months)"
    if of_time and of_time not in TIMES:
        return "a time of day needs %H and %M, or %I, %M and %p"
    if "z" in directives and not of_time:
        return "%z needs a time of day"
    return None if directives else "it has no directive such as %Y"


def lacks_time(layout: str) -> bool:
    return "%M" not in layout


def disagree(formats: Sequence[str]) -> bool:
    """Whether two formats put the year in the same place, but day and month in different orders."""
    orders = {"".join(each for each in find_directives(layout) if each in DATE) for layout in formats}
    return {"Ymd", "Ydm"} <= orders or {"dmY", "mdY"} <= orders


def compile_formats(formats: Sequence[str]) -> Callable[[str], Moment]:
    """A function that reads a text in the first format that fits. It raises Malformed, or Swapped."""
    swapped = [layout for layout in map(swap, formats) if layout not in formats]
    listed = " or ".join(formats)

    # It keeps no long text, because those raise.
    @lru_cache(MAX_TEXTS)
    def read(text: str) -> Moment:
        for layout in formats:
            if moment := find_moment(text, layout):
                return moment
        for layout in swapped:
            if find_moment(text, layout):
                raise Swapped(f"{quote(text)} does not fit {listed}, but {layout}")
        raise Malformed(f"{quote(text)} does not have the format {listed}")

    return read


def swap(layout: str) -> str:
    """The format with day and month swapped."""
    if not {"d", "m"} <= set(find_directives(layout)):
        return layout
    return re.sub("%[dm]", lambda found: "%m" if found[0] == "%d" else "%d", layout)


def find_moment(text: str, layout: str) -> Moment | None:
    """The moment, if the text has exactly this format."""
    if len(text) > MAX_LENGTH or any(each.isdigit() and not each.isascii() for each in text):
        return None
    try:
        found = datetime.strptime(NOON.sub(r"\1m", text) if "%p" in layout else text, layout)  # noqa: DTZ007
    except ValueError:
        return None
    if ADJACENT.search(layout):
        whole = found.strftime(re.sub("%[fz]", "", layout))
        numbers = zip(DIGITS.findall(text), DIGITS.findall(whole), strict=False)
        if any(len(given) < len(full) for given, full in numbers):
            return None
    offset = found.strftime("%z")
    return Moment(
        found.date().isoformat() if "%Y" in layout else "",
        "" if lacks_time(layout) else found.time().isoformat(),
        f"{offset[:3]}:{offset[3:]}" if offset else "",
    )
