"""Read dates and timestamps. Nothing is guessed, neither the order of day and month nor a time zone."""

import re
from datetime import datetime, tzinfo

from timesheets_client.printable import quote
from timesheets_client.reading.entries import Malformed

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
        first = datetime.fromisoformat(local).replace(tzinfo=zone)
    except ValueError:
        raise Malformed(f"there is no such time as {local}") from None
    offset = first.strftime("%z")
    if offset != first.replace(fold=1).strftime("%z"):
        raise Malformed(
            f"in {zone} the clock shows {local} twice or never, because it changes then; add the offset"
        )
    # Offsets before 1972 may also have seconds.
    return f"{offset[:3]}:{offset[3:5]}"
