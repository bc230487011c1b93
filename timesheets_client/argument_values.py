"""Read the values of arguments. Each function raises ArgumentTypeError for text that it cannot read."""

import unicodedata
from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import partial
from pathlib import Path

from timesheets_client.network.exchange import Timeouts
from timesheets_client.reading.maps.shipped import FOLDER, list_names
from timesheets_files.dates import find_zone, read_iso_date
from timesheets_files.limits import FIRST_YEAR, LAST_YEAR, MAX_LENGTHS
from timesheets_files.members import Malformed
from timesheets_files.rows import read_decimal

DEFAULT_TIMEOUTS = "10,60"
MAX_BATCH_SIZE = 10_000
MAX_REASON_LENGTH = MAX_LENGTHS["reason"]
MAX_UPLOAD_DIGITS = 18


def parse_zone(name: str) -> tzinfo:
    if zone := find_zone(name):
        return zone
    raise ArgumentTypeError(f"{name!r} is not a time zone such as Europe/Berlin")


def parse_batch_size(text: str) -> int:
    size = parse_count(text)
    if not 1 <= size <= MAX_BATCH_SIZE:
        raise ArgumentTypeError(f"must be between 1 and {MAX_BATCH_SIZE:,}, not {text}")
    return size


def parse_count(text: str, max_digits: int = 9) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > max_digits:
        raise ArgumentTypeError(f"must be a whole number such as 17, not {text!r}")
    return int(text)


def parse_hours(text: str) -> Decimal:
    try:
        return read_decimal(text)
    except Malformed as error:
        raise ArgumentTypeError(str(error)) from None


def parse_reason(text: str) -> str:
    reason = text.strip()
    if not 1 <= len(reason) <= MAX_REASON_LENGTH:
        raise ArgumentTypeError(f"must have 1 to {MAX_REASON_LENGTH} characters")
    # Bytes that are not UTF-8 arrive as surrogates.
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in reason):
        raise ArgumentTypeError("must be UTF-8 on one line, without control characters")
    return reason


def parse_since(text: str) -> str:
    try:
        since = read_iso_date(text)
        year = datetime.fromisoformat(since).year
    except (Malformed, ValueError):
        year = 0
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ArgumentTypeError(
            "must be a date such as 2026-06-01, or a time with its offset from UTC such as "
            f"2026-06-01T08:00:00+02:00, not {text!r}"
        )
    return since


def parse_map(text: str) -> Path:
    """The file of a map; a bare word names one that comes with the client."""
    return Path(text) if "." in text or Path(text).name != text else parse_shipped_map(text)


def parse_shipped_map(name: str) -> Path:
    if name in list_names():
        return FOLDER / f"{name}.toml"
    raise ArgumentTypeError(f"must be {', '.join(list_names())} or a file such as ./our.toml, not {name!r}")


def parse_days(text: str) -> tuple[str, str]:
    first, _, last = text.partition("..")
    try:
        if not FIRST_YEAR <= date.fromisoformat(first).year <= date.fromisoformat(last).year <= LAST_YEAR:
            raise ValueError
    except ValueError:
        first, last = "", ""
    if len(first) != len(last) or not first or first > last:
        raise ArgumentTypeError(
            f"must be the first and the last day, such as 2026-06-01..2026-06-30, not {text!r}"
        )
    return first, last


def parse_percent(text: str) -> Decimal:
    percent = parse_hours(text)
    if not 0 <= percent <= 100:
        raise ArgumentTypeError(f"must be a number from 0 to 100, not {text!r}")
    return percent


def parse_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise ArgumentTypeError(f"must be a number of seconds, not {text!r}")
    return seconds


def parse_timeouts(text: str) -> Timeouts:
    connect, _, read = text.partition(",")
    connect_seconds, read_seconds = parse_seconds(connect), parse_seconds(read)
    if not connect_seconds or not read_seconds:
        raise ArgumentTypeError(f"must be two numbers of seconds above 0, such as {DEFAULT_TIMEOUTS}")
    return Timeouts(connect_seconds, read_seconds)


# By the placeholder of the value in the help.
READERS: Mapping[str, Callable[[str], object]] = {
    "C,R": parse_timeouts,
    "DATE": parse_since,
    "DIR": Path,
    "FILE": Path,
    "FROM..TO": parse_days,
    "H": parse_hours,
    "MAP": parse_map,
    "N": parse_count,
    "NAME": str,
    "PERCENT": parse_percent,
    "SECONDS": parse_seconds,
    "TEXT": parse_reason,
    "UPLOAD": partial(parse_count, max_digits=MAX_UPLOAD_DIGITS),
    # The API says which weeks there are.
    "WEEK": str,
    "ZONE": parse_zone,
}
