"""Read dates and timestamps. Nothing is guessed, neither the order of day and month nor a time zone."""

import re
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from timesheets_client.printable import quote
from timesheets_client.reading.entries import Malformed

MAX_DAYS = 4096
# RFC 3339, and what spreadsheets make of it: a space for the T, no seconds, no offset.
TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(:\d\d(?:\.\d+)?)? ?([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII
)


def read_date(text: str, zone: tzinfo | None) -> str:
    """The date, or the timestamp with its offset, as in RFC 3339. `zone` applies if there is no offset.

    Raises Malformed. Only the API decides whether the date exists.
    """
    match = TIMESTAMP.fullmatch(text)
    if match is None:
        raise Malformed(
            f"{quote(text)} is not a date such as 2026-04-03 or a time such as 2026-04-03T08:00:00Z; "
            "the order of day and month is not guessed"
        )
    date, time, seconds, offset = match.groups()
    if time is None:
        return date
    local = f"{date}T{time}{seconds or ':00'}"
    return f"{local}{offset or find_offset(local, zone)}"


def find_offset(local: str, zone: tzinfo | None) -> str:
    """The offset from UTC in `zone` at a local time, such as `+02:00`. Raises Malformed."""
    if zone is None:
        raise Malformed(
            f"{local} has no offset from UTC, such as Z or +02:00; "
            "add one, or name the time zone of all such times: --time-zone Europe/Berlin"
        )
    try:
        time = datetime.fromisoformat(local).replace(tzinfo=zone)
    except ValueError:
        raise Malformed(f"there is no such time as {local}") from None
    if has_clock_change(time):
        raise Malformed(
            f"in {zone} the clock shows {local} twice or never, because it changes then; add the offset"
        )
    return format_offset(time)


@lru_cache(MAX_DAYS)
def find_offset_of_day(day: str, zone: tzinfo | None) -> str | None:
    """The offset from UTC that applies all day; None if the clock changes on that day, or without a zone."""
    try:
        begin = datetime.fromisoformat(day).replace(tzinfo=zone)
        end = begin + timedelta(days=1)
    except (ValueError, OverflowError):
        return None
    changes = has_clock_change(begin) or begin.utcoffset() != end.utcoffset()
    return None if changes or zone is None else format_offset(begin)


def has_clock_change(time: datetime) -> bool:
    """Whether the clock shows this time twice or never."""
    return time.utcoffset() != time.replace(fold=1).utcoffset()


def format_offset(time: datetime) -> str:
    # Offsets before 1972 may also have seconds.
    offset = time.strftime("%z")
    return f"{offset[:3]}:{offset[3:5]}"


def find_zone(name: str) -> tzinfo | None:
    """The time zone with this name, such as `Europe/Berlin`, if there is one."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
