"""Read dates and times of day. Guesses nothing: neither the order of day and month nor a zone."""

import re
from datetime import datetime, timedelta, tzinfo

# RFC 3339, and what spreadsheets make of it: a blank for the T, no seconds, no offset.
TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(:\d\d(?:\.\d+)?)? ?([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII
)


class DateUnreadable(Exception):
    """The message says why, in words that follow `date: `."""


def read_date(text: str, zone: tzinfo | None) -> str:
    """The date, or the moment with its offset, as RFC 3339 has it. `zone` serves where there is no offset.

    Raises DateUnreadable. Whether there is such a day, the API decides.
    """
    match = TIMESTAMP.fullmatch(text)
    if match is None:
        raise DateUnreadable(
            f"{shorten(text)} is not a date such as 2026-04-03 or a time such as 2026-04-03T08:00:00Z; "
            "which number is the day and which the month is not guessed"
        )
    day, time, seconds, offset = match.groups()
    if time is None:
        return day
    moment = f"{day}T{time}{seconds or ':00'}"
    return f"{moment}{offset}" if offset else f"{moment}{find_offset(moment, zone)}"


def find_offset(moment: str, zone: tzinfo | None) -> str:
    """The offset from UTC that `zone` has at a moment of its own time, such as `+02:00`."""
    if zone is None:
        raise DateUnreadable(
            f"{moment} has no offset from UTC, such as Z or +02:00; "
            "add one, or name the zone that all such times are in: --time-zone Europe/Berlin"
        )
    try:
        first = datetime.fromisoformat(moment).replace(tzinfo=zone)
        offsets = {first.utcoffset(), first.replace(fold=1).utcoffset()}
    except ValueError:
        raise DateUnreadable(f"there is no such time as {moment}") from None
    if len(offsets) > 1:
        raise DateUnreadable(
            f"in {zone} the clock shows {moment} twice or never, since it is changed then; add the offset"
        )
    return write_offset(offsets.pop() or timedelta())


def write_offset(offset: timedelta) -> str:
    # Offsets with seconds are those of local mean times, before time zones.
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"


def shorten(text: str) -> str:
    return repr(text if len(text) <= 64 else f"{text[:64]} [...]")
