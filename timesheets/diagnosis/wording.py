"""Untrusted text, times and durations in words that are safe on any terminal. Knows no web framework."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

MAX_QUOTED_LENGTH = 100

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def quote(value: object) -> str:
    """`value` as JSON in printable ASCII, cut if long, so that untrusted text cannot control a terminal."""
    try:
        text = json.dumps(value)
    except RecursionError:
        return "(nested too deeply to be shown)"
    if len(text) > MAX_QUOTED_LENGTH:
        return f"{text[:MAX_QUOTED_LENGTH]}... ({len(text)} characters)"
    return text


def make_printable(text: str) -> str:
    """`text`, uncut, on one line of printable ASCII."""
    return json.dumps(text)[1:-1]


def describe_duration(seconds: float) -> str:
    """The duration in its two largest units, such as "3 hours 5 minutes"."""
    rest = round(abs(seconds))
    words = []
    for name, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            words.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(words[:2]) or "less than a second"


def describe_time(seconds: float) -> str:
    """A time in seconds since the epoch, in UTC; a number if no calendar has it."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{seconds:.0f} seconds after 1970"


def describe_near_miss(found: object, expected: str) -> str:
    """The only difference between the two; empty if they have nothing to do with each other."""
    if not isinstance(found, str) or found == expected:
        return ""
    same = (name for name, fold in _SMALL_DIFFERENCES.items() if fold(found) == fold(expected))
    return next((f"it differs only in {name}" for name in same), "")


_SMALL_DIFFERENCES: Mapping[str, Callable[[str], str]] = {
    "slashes at the end": lambda text: text.rstrip("/"),
    "http and https": lambda text: text.replace("http://", "https://", 1),
    "white space around it": str.strip,
    "upper and lower case": str.lower,
}
