"""Untrusted text, times and durations in words that are safe on any terminal. Knows no web framework."""

import json
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


def describe_clock(ahead_seconds: float | None) -> str:
    if ahead_seconds is None:
        return "the issuer sends no time to compare our clock with"
    # A `Date` header has whole seconds.
    if abs(ahead_seconds) < 1:
        return "our clock agrees with the issuer's"
    side = "ahead of" if ahead_seconds > 0 else "behind"
    return f"our clock is {describe_duration(ahead_seconds)} {side} the issuer's"


def describe_near_miss(found: object, expected: str) -> str:
    """The small difference between the two; empty if they have nothing to do with each other."""
    if not isinstance(found, str) or found == expected:
        return ""
    differences = {
        "it ends with a slash, the expected one does not": found.removesuffix("/"),
        "it does not end with a slash, the expected one does": f"{found}/",
        "it starts with http, the expected one with https": found.replace("http://", "https://", 1),
        "it starts with https, the expected one with http": found.replace("https://", "http://", 1),
        "it has white space around it": found.strip(),
    }
    near = next((text for text, repaired in differences.items() if repaired == expected), "")
    differs_in_case = found.lower() == expected.lower()
    return near or ("it differs only in upper and lower case" if differs_in_case else "")
