"""Read dates and times of day in stated formats. The order of day and month is never guessed."""

import re
from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from timesheets_files.dates import Swapped
from timesheets_files.members import Malformed
from timesheets_files.printable import quote

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
MONTH_NUMBERS = {name[:3].lower(): f"{number}" for number, name in enumerate(MONTHS, 1)}
# As in strptime. Each matches few characters, so that no long text can fill a cache.
DIRECTIVES = {
    "Y": r"(?P<Y>\d{4})",
    "m": r"(?P<m>0?[1-9]|1[0-2])",
    "d": r"(?P<d>0?[1-9]|[12]\d|3[01])",
    "b": rf"(?P<b>(?i:{'|'.join(name[:3] for name in MONTHS)}))",
    "B": rf"(?P<B>(?i:{'|'.join(MONTHS)}))",
    "H": r"(?P<H>0?\d|1\d|2[0-3])",
    "I": r"(?P<I>0?[1-9]|1[0-2])",
    "p": r"(?P<p>[AaPp])\.?[Mm]\.?",
    "M": r"(?P<M>[0-5]\d)",
    "S": r"(?P<S>[0-5]\d)",
    "f": r"(?P<f>\d{1,6})",
    "z": r"(?P<z>[Zz]|[+-](?:[01]\d|2[0-3]):?[0-5]\d)",
}
PART = re.compile(r"%(.?)|(\s+)|([^%\s]+)", re.DOTALL)
# A number that another one follows at once needs both of its digits.
ADJACENT = re.compile("%[YmdHIMSf]%[YmdHIMSf]")
DATE = set("Ymd")
MONTH = set("mbB")
TIMES = tuple(map(set, ("HM", "HMS", "HMSf", "IMp", "IMSp", "IMSfp")))
MAX_DAYS = 4096


class Moment(NamedTuple):
    """A date and a time of day as in RFC 3339. What the format does not have is empty."""

    day: str
    time: str
    offset: str


def find_directives(layout: str) -> list[str]:
    return re.findall("%(.?)", layout, re.DOTALL)


def find_fault(layout: str) -> str | None:
    """Why this is no format of a date, of a time of day, or of both."""
    directives = find_directives(layout)
    if unknown := [each for each in directives if each not in DIRECTIVES]:
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
    patterns = [compile_format(layout) for layout in formats]
    swapped = {layout: compile_format(layout) for layout in map(swap, formats) if layout not in formats}
    listed = " or ".join(formats)

    def read(text: str) -> Moment:
        try:
            return find_moment(patterns, text)
        except Malformed as error:
            problem = str(error) or f"{quote(text)} does not have the format {listed}"
        for layout, pattern in swapped.items():
            if fits(pattern, text):
                raise Swapped(f"{quote(text)} does not fit {listed}, but {layout}")
        raise Malformed(problem)

    return read


def swap(layout: str) -> str:
    """The format with day and month swapped."""
    if not {"d", "m"} <= set(find_directives(layout)):
        return layout
    return re.sub("%[dm]", lambda found: "%m" if found[0] == "%d" else "%d", layout)


def fits(pattern: re.Pattern[str], text: str) -> bool:
    try:
        return bool(find_moment([pattern], text))
    except Malformed:
        return False


def find_moment(patterns: Sequence[re.Pattern[str]], text: str) -> Moment:
    for pattern in patterns:
        if match := pattern.fullmatch(text):
            return make_moment(match)
    raise Malformed


def compile_format(layout: str) -> re.Pattern[str]:
    pattern = "".join(compile_part(*part) for part in PART.findall(layout))
    return re.compile(pattern.replace("0?", "0") if ADJACENT.search(layout) else pattern, re.ASCII)


def compile_part(directive: str, space: str, literal: str) -> str:
    # Some programs write a narrow no-break space before AM and PM.
    return DIRECTIVES[directive] if directive else r"[\s\u00a0\u202f]{1,3}" if space else re.escape(literal)


def make_moment(match: re.Match[str]) -> Moment:
    """Raises Malformed if there is no such day."""
    found = match.groupdict()
    name = found.get("b") or found.get("B") or ""
    month = MONTH_NUMBERS[name[:3].lower()] if name else found.get("m", "")
    day = make_day(found["Y"], month, found["d"]) if "Y" in found else ""
    if "M" not in found:
        return Moment(day, "", "")
    hour = found["H"] if "H" in found else f"{int(found['I']) % 12 + 12 * (found['p'] in 'Pp')}"
    time = f"{hour:0>2}:{found['M']}:{found.get('S', '00')}"
    if "f" in found:
        time = f"{time}.{found['f']}"
    return Moment(day, time, normalize_offset(found["z"]) if "z" in found else "")


@lru_cache(MAX_DAYS)
def make_day(year: str, month: str, day: str) -> str:
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        raise Malformed(f"there is no day {int(day)} in month {int(month)} of {year}") from None


def normalize_offset(offset: str) -> str:
    return "Z" if offset in "Zz" else f"{offset[:3]}:{offset[-2:]}"
