"""Untrusted text, times and durations in words that are safe on any terminal. Knows no web framework."""

import json
from datetime import UTC, datetime

MAX_QUOTED_LENGTH = 100

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def quote(value: object) -> str:
    """`value` as JSON in printable ASCII, cut where it is long: whoever wrote it gets nothing else across."""
    try:
        text = json.dumps(value)
    except RecursionError:
        return "(nested too deeply to be shown)"
    if len(text) > MAX_QUOTED_LENGTH:
        return f"{text[:MAX_QUOTED_LENGTH]}... ({len(text)} characters)"
    return text


def make_printable(text: str) -> str:
    """`text` whole, on one line of printable ASCII."""
    return json.dumps(text)[1:-1]


def describe_duration(seconds: float) -> str:
    """The two largest units of it, such as "3 hours 5 minutes"."""
    rest = round(abs(seconds))
    words = []
    for name, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            words.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(words[:2]) or "less than a second"


def describe_time(seconds: float) -> str:
    """A time in seconds since the epoch, in UTC; one that no calendar has stays a number."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{seconds:.0f} seconds after 1970"


def describe_clock(ahead_seconds: float | None) -> str:
    """How our clock stands to the issuer's, by how much it is ahead; None where that cannot be told."""
    if ahead_seconds is None:
        return "how far our clock is from the issuer's cannot be told"
    # A `Date` header knows no less than a second.
    if abs(ahead_seconds) < 1:
        return "our clock agrees with the issuer's"
    side = "ahead of" if ahead_seconds > 0 else "behind"
    return f"our clock is {describe_duration(ahead_seconds)} {side} the issuer's"


def describe_near_miss(found: object, expected: str) -> str:
    """The one thing that keeps `found` from being `expected`; empty where it is something else entirely."""
    if not isinstance(found, str):
        return ""
    differences = {
        "it has a slash at its end, and the expected one has none": found == f"{expected}/",
        "it has no slash at its end, and the expected one has one": f"{found}/" == expected,
        "it begins with http, and the expected one with https": found.replace("http://", "https://", 1)
        == expected,
        "it begins with https, and the expected one with http": found.replace("https://", "http://", 1)
        == expected,
        "it has white space around it": found.strip() == expected,
        "it differs in upper and lower case only": found.lower() == expected.lower(),
    }
    return next((words for words, is_so in differences.items() if is_so), "")
