"""Read dates and timestamps. Nothing is guessed, neither the order of day and month nor a time zone."""

import re
from collections.abc import Callable
from datetime import date, datetime, tzinfo
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from timesheets_files.members import Malformed
from timesheets_files.printable import quote

MAX_DAYS = 4096
MAX_READERS = 4
# Longer texts are not kept.
MAX_KEPT_LENGTH = 40


class DateFormat(StrEnum):
    """A way to write dates."""

    ISO = "iso"
    DMY = "dmy"
    MDY = "mdy"


# RFC 3339, and what spreadsheets make of it: a space for the T, no seconds, no offset.
ISO = (
    r"(?P<Y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)"
    r"(?:[Tt ](?P<t>\d\d:\d\d)(?P<s>:\d\d(?:\.\d+)?)? ?(?P<z>[Zz]|[+-]\d\d:\d\d)?)?"
)
# A timestamp to which nothing needs to be added.
COMPLETE = re.compile(r"\d{4}-(?:0\d|1[0-2])-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
TIME = r"(?: (?P<t>(?:[01]\d|2[0-3]):[0-5]\d)(?P<s>:[0-5]\d)?(?P<z>)?)?"
DAY, MONTH, REST = r"(?P<d>\d\d?)", r"(?P<m>\d\d?)", rf"(?P=mark)(?P<Y>\d{{4}}){TIME}"
PATTERNS = {
    DateFormat.ISO: re.compile(ISO, re.ASCII),
    DateFormat.DMY: re.compile(rf"{DAY}(?P<mark>[./-]){MONTH}{REST}", re.ASCII),
    DateFormat.MDY: re.compile(rf"{MONTH}(?P<mark>[./-]){DAY}{REST}", re.ASCII),
}
EXPECTED = {
    DateFormat.ISO: "a date such as 2026-04-03 or a time such as 2026-04-03T08:00:00Z; "
    "the order of day and month is not guessed",
    DateFormat.DMY: "a date with the day first, such as 30.11.2026",
    DateFormat.MDY: "a date with the month first, such as 11/30/2026",
}
ORDERS = {
    DateFormat.ISO: ("year-month-day (iso)", "year-day-month"),
    DateFormat.DMY: ("day-month-year (dmy)", "month-day-year (mdy)"),
    DateFormat.MDY: ("month-day-year (mdy)", "day-month-year (dmy)"),
}


class Swapped(Malformed):
    """A date that fits only with day and month swapped. The message names both orders."""


@lru_cache(MAX_READERS)
def compile_reader(date_format: DateFormat, zone: tzinfo | None) -> Callable[[str], str]:
    """A function that reads a date, or a timestamp, which gets its offset, as in RFC 3339.

    `zone` applies to times without an offset. The function raises Malformed. Whether the date exists is for
    the limits to say, unless it exists with day and month swapped: then it raises Swapped.
    """
    pattern = PATTERNS[date_format]

    def read(text: str) -> str:
        match = pattern.fullmatch(text)
        if match is None:
            raise Malformed(f"this is not {EXPECTED[date_format]}")
        year, month, day, time = match.group("Y", "m", "d", "t")
        if int(month) > 12 and is_day(year, day, month):
            right, swapped = ORDERS[date_format]
            raise Swapped(f"{quote(text)} does not fit {right}, and fits {swapped}")
        written = f"{year}-{month:0>2}-{day:0>2}"
        if time is None:
            return written
        local = f"{written}T{time}{match['s'] or ':00'}"
        return f"{local}{match['z'] or find_offset(local, zone)}"

    kept = lru_cache(MAX_DAYS)(read)
    is_complete = COMPLETE.fullmatch if date_format is DateFormat.ISO else None

    def read_fast(text: str) -> str:
        # Dates repeat, times do not.
        if is_complete and len(text) > len("2026-04-03") and is_complete(text):
            return text
        return kept(text) if len(text) <= MAX_KEPT_LENGTH else read(text)

    return read_fast


def is_day(year: str, month: str, day: str) -> bool:
    try:
        return bool(date(int(year), int(month), int(day)))
    except ValueError:
        return False


def find_offset(local: str, zone: tzinfo | None) -> str:
    """The offset from UTC in `zone` at a local time, such as `+02:00`. Raises Malformed."""
    if zone is None:
        raise Malformed(
            "this time has no offset from UTC, such as Z or +02:00; "
            "add one, or state the zone of all such times, such as Europe/Berlin (time_zone, --time-zone)"
        )
    try:
        time = datetime.fromisoformat(local).replace(tzinfo=zone)
    except ValueError:
        raise Malformed(f"there is no such time as {local}") from None
    if time.utcoffset() != time.replace(fold=1).utcoffset():
        raise Malformed(
            f"in {zone} the clock shows {local} twice or never, because it changes then; add the offset"
        )
    # Offsets before 1972 may also have seconds.
    offset = time.strftime("%z")
    return f"{offset[:3]}:{offset[3:5]}"


def find_zone(name: str) -> tzinfo | None:
    """The time zone with this name, such as `Europe/Berlin`, if there is one."""
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return None


read_iso_date = compile_reader(DateFormat.ISO, None)
