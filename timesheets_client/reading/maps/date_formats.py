"""Read dates and times of day in the formats of strptime. The order of day and month is never guessed."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from functools import lru_cache

from timesheets_client.reading.maps.rules import Table, WrongMap, read_texts
from timesheets_files.dates import Swapped
from timesheets_files.members import Malformed
from timesheets_files.printable import quote

# A number that another one follows at once needs all of its digits.
ADJACENT = re.compile("%[YmdHIMSf]%[YmdHIMSf]")
NOON = re.compile(r"([ap])\.?m\.?", re.IGNORECASE)
DATE = set("Ymd")
TIMES = [set(each + zone) for each in ("HM", "HMS", "HMSf", "IMp", "IMSp", "IMSfp") for zone in ("", "z")]
DIRECTIVES = "%Y, %d and %m (or %b or %B) once each, and for a time %H and %M, or %I, %M and %p"
MAX_TEXTS = 4096
MAX_LENGTH = 100


def read_formats(table: Table, key: str, zone: tzinfo | None, *, needs_date: bool = True) -> Sequence[str]:
    """The formats at this key of a map. Raises WrongMap."""
    formats = read_texts(table, key)
    if not formats:
        raise WrongMap(f"{key} is missing; it says what the dates look like, such as %d/%m/%Y")
    for layout in formats:
        if not is_format(layout) or (needs_date and "%Y" not in layout):
            raise WrongMap(f"{key}: {quote(layout)} is not a format, which has {DIRECTIVES}")
    if disagree(formats):
        raise WrongMap(f"{key}: these formats disagree on the order of day and month, which is never guessed")
    if zone is None and not all(lacks_time(each) or "%z" in each for each in formats):
        raise WrongMap(
            f"{key}: a time of day needs a time zone; "
            'state it as time_zone = "Europe/Berlin", or with --time-zone'
        )
    return formats


def is_format(layout: str) -> bool:
    """Whether this is a format of a date, of a time of day, or of both."""
    # Months have English names, as in every program that sets no locale.
    parts = "".join(re.findall("%(.)", layout, re.DOTALL)).replace("b", "m").replace("B", "m")
    of_date, of_time = DATE & set(parts), set(parts) - DATE
    return (
        0 < len(set(parts)) == layout.count("%")
        and of_date in (set(), DATE)
        and (not of_time or of_time in TIMES)
    )


def lacks_time(layout: str) -> bool:
    return "%M" not in layout


def disagree(formats: Sequence[str]) -> bool:
    """Whether two formats put the year in the same place, but day and month in different orders."""
    orders = {"".join(re.findall("%([Ymd])", layout)) for layout in formats}
    return {"Ymd", "Ydm"} <= orders or {"dmY", "mdY"} <= orders


def compile_formats(formats: Sequence[str]) -> Callable[[str], tuple[datetime, str]]:
    """A function that reads a text in the first format that fits, and says in which one.

    What the format does not have is that of 1900-01-01T00:00:00. It raises Malformed, or Swapped.
    """
    swapped = [layout for layout in map(swap, formats) if layout not in formats]
    listed = " or ".join(formats)

    # It keeps no long text, because those raise.
    @lru_cache(MAX_TEXTS)
    def read(text: str) -> tuple[datetime, str]:
        for layout in formats:
            if moment := find_moment(text, layout):
                return moment, layout
        for layout in swapped:
            if find_moment(text, layout):
                raise Swapped(f"{quote(text)} does not fit {listed}, but {layout}")
        raise Malformed(f"{quote(text)} does not have the format {listed}")

    return read


def swap(layout: str) -> str:
    """The format with day and month swapped."""
    if "%m" not in layout:
        return layout
    return re.sub("%[dm]", lambda found: "%m" if found[0] == "%d" else "%d", layout)


def find_moment(text: str, layout: str) -> datetime | None:
    """The moment, if the text has exactly this format."""
    if len(text) > MAX_LENGTH or any(each.isdigit() and not each.isascii() for each in text):
        return None
    try:
        found = datetime.strptime(NOON.sub(r"\1m", text) if "%p" in layout else text, layout)  # noqa: DTZ007
    except ValueError:
        return None
    if ADJACENT.search(layout):
        whole = found.strftime(re.split("%[fz]", layout)[0])
        return found if text.casefold().startswith(whole.casefold()) else None
    return found
