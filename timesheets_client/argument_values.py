"""Read the values of arguments, by the placeholder of each in the help."""

import unicodedata
from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import partial
from pathlib import Path

from timesheets_client.network.exchange import Timeouts
from timesheets_client.reading.inputs import Format
from timesheets_client.reading.maps.shipped import FOLDER, list_names
from timesheets_files.dates import DateFormat, find_zone, read_iso_date
from timesheets_files.limits import FIRST_YEAR, LAST_YEAR, MAX_LENGTHS
from timesheets_files.members import Malformed
from timesheets_files.rows import read_decimal

DEFAULT_TIMEOUTS = "10,60"
MAX_BATCH_SIZE = 10_000
MAX_REASON_LENGTH = MAX_LENGTHS["reason"]
MAX_DIGITS = 18
MAX_SECONDS = 1e9


def require(is_valid: object) -> None:
    if not is_valid:
        raise ValueError


def read_zone(name: str) -> tzinfo | None:
    zone = find_zone(name)
    require(zone)
    return zone


def read_count(text: str) -> int:
    require(text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS)
    return int(text)


def read_between(read: Callable[[str], float | Decimal], least: float, most: float, text: str) -> object:
    value = read(text)
    require(least <= value <= most)
    return value


def read_reason(text: str) -> str:
    reason = text.strip()
    # Bytes that are not UTF-8 arrive as surrogates.
    require(not any(unicodedata.category(each) in ("Cc", "Cs") for each in reason))
    require(1 <= len(reason) <= MAX_REASON_LENGTH)
    return reason


def read_since(text: str) -> str:
    since = read_iso_date(text)
    require(FIRST_YEAR <= datetime.fromisoformat(since).year <= LAST_YEAR)
    return since


def read_map(text: str) -> Path:
    """The file of a map; a bare word names one that comes with the client."""
    return Path(text) if "." in text or Path(text).name != text else read_shipped_map(text)


def read_shipped_map(name: str) -> Path:
    require(name in list_names())
    return FOLDER / f"{name}.toml"


def read_days(text: str) -> tuple[str, str]:
    first, last = map(date.fromisoformat, text.split(".."))
    require(FIRST_YEAR <= first.year <= last.year <= LAST_YEAR and first <= last)
    return str(first), str(last)


def read_timeouts(text: str) -> Timeouts:
    timeouts = Timeouts(*map(float, text.split(",")))
    require("," in text and all(0 < each <= MAX_SECONDS for each in timeouts))
    return timeouts


# The reader of a value, and what it must be.
VALUES: Mapping[str, tuple[Callable[[str], object], str]] = {
    "auto|json|ndjson|csv|xlsx": (Format, ", ".join(Format)),
    "C,R": (read_timeouts, f"two numbers of seconds above 0, such as {DEFAULT_TIMEOUTS}"),
    "DATE": (read_since, "a date such as 2026-06-01, or a time such as 2026-06-01T08:00:00+02:00"),
    "DIR": (Path, "a folder"),
    "FILE": (Path, "a file"),
    "FROM..TO": (read_days, "the first and the last day, such as 2026-06-01..2026-06-30"),
    "iso|dmy|mdy": (DateFormat, "iso, dmy or mdy"),
    "H": (read_decimal, "a number such as 7.5"),
    "MAP": (read_map, f"{', '.join(list_names())} or a file such as ./our.toml"),
    "N": (read_count, "a whole number such as 17"),
    "NAME": (read_shipped_map, ", ".join(list_names())),
    "on|off": ({"on": True, "off": False}.__getitem__, "on or off"),
    "PERCENT": (partial(read_between, read_decimal, 0, 100), "a number from 0 to 100"),
    "SECONDS": (partial(read_between, float, 0, MAX_SECONDS), "a number of seconds"),
    "SHEET": (str, "a sheet"),
    "SIZE": (partial(read_between, read_count, 1, MAX_BATCH_SIZE), f"between 1 and {MAX_BATCH_SIZE:,}"),
    "TEXT": (read_reason, f"1 to {MAX_REASON_LENGTH} characters of UTF-8 on one line"),
    "UPLOAD": (read_count, "the number of an upload, such as 17"),
    # The API says which weeks there are.
    "WEEK": (str, "a week"),
    "ZONE": (read_zone, "a time zone such as Europe/Berlin"),
}


def read_value(placeholder: str, text: str) -> object:
    """The value. Raises ArgumentTypeError for text that cannot be read."""
    reader, expected = VALUES[placeholder]
    try:
        return reader(text)
    except (ValueError, LookupError, TypeError, Malformed):
        raise ArgumentTypeError(f"must be {expected}, not {text!r}") from None
