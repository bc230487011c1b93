"""Untrusted text and times in words that are safe on any terminal. Knows no web framework."""

import json
from datetime import UTC, datetime, timedelta

MAX_QUOTED_LENGTH = 100


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
    """The duration, such as "2 days, 3:05:00"."""
    return str(timedelta(seconds=round(abs(seconds))))


def describe_time(seconds: float) -> str:
    """A time in seconds since the epoch, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
