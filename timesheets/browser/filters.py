"""Describe the filters of a list: what its form holds, their words, and links to change them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from timesheets.formats.days import Week, find_month

# The parameters of the list, in the order of its form, with the words of their labels.
_WORDS = {
    "user_id": "Employee",
    "project": "Project",
    "client": "Client",
    "date_from": "From",
    "date_to": "Before",
    "entry_id": "Entry id",
    "upload": "Upload",
    "current": "Only current",
    "received_since": "Received since",
    "as_of": "As of id",
}
# They select no entries.
_OF_A_PAGE = ("order", "page_size", "fields", "by")
# The form has no fields for them, and keeps them.
_KEPT = ("client", "received_since", "as_of", "order", "page_size", "fields")
_REPEATED = ("user_id", "project", "client")
DATES = ("date_from", "date_to")
# One more than the API takes. Each value has a link that holds all others.
MAX_SHOWN = 51
_ONE_DAY = timedelta(days=1)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

Pair = tuple[str, str]


def parse_day(value: str) -> date | None:
    """The day; None if it is anything else, such as a day that no calendar has."""
    try:
        day = date.fromisoformat(value) if _DAY.fullmatch(value) else None
    except ValueError:
        return None
    # The first day of the calendar has none before it.
    return day if day and day > date.min else None


def read_filters(sent: QueryDict, today: date, page: str = "timesheets") -> Mapping[str, Any]:
    """The filters in a query string, which may be wrong: the form shows what was sent.

    `first` and `last` are limits, and whether each is a day. `chips` say what the filters are, and each leads
    to the `page` without it. Of the `periods`, each has its days, and whether the list is of it.
    """
    pairs = [(name, value) for name in (*_WORDS, *_OF_A_PAGE) for value in _list_values(sent, name)]
    limits = [sent.get(name, "") for name in DATES]
    return {
        "user_ids": _list_values(sent, "user_id"),
        "projects": _list_values(sent, "project"),
        "first": _read_limit(limits[0], days=0),
        "last": _read_limit(limits[1], days=-1),
        "kept": [pair for pair in pairs if pair[0] in _KEPT],
        "chips": list(_describe_pairs(pairs, page)),
        "periods": [
            (text, f"{first}/{end}", [str(first), str(end)] == limits)
            for text, first, end in _list_periods(today)
        ],
    }


def _list_values(sent: QueryDict, name: str) -> list[str]:
    """The values, in part if there are too many; the last one if there may be only one."""
    values = [value for value in sent.getlist(name) if value]
    return values[:MAX_SHOWN] if name in _REPEATED else values[-1:]


def _read_limit(value: str, *, days: int) -> tuple[str, bool]:
    """The day, moved by some days; the value itself if it is no day."""
    day = parse_day(value)
    return (value, not value) if day is None else (str(day + timedelta(days=days)), True)


def _describe_pairs(pairs: Sequence[Pair], page: str) -> Iterator[Pair]:
    # A report has no chips of its period.
    unnamed = (*_OF_A_PAGE, *(DATES if page == "totals" else ()))
    for position, (name, value) in enumerate(pairs):
        if name not in unnamed and (name != "current" or value == "true"):
            rest = urlencode([*pairs[:position], *pairs[position + 1 :]])
            yield describe_pair(name, value), f"{reverse(page)}?{rest}" if rest else reverse(page)


def describe_pair(name: str, value: str) -> str:
    if name == "current":
        return _WORDS[name]
    day = parse_day(value)
    if day is None or name not in DATES:
        return f"{_WORDS[name]} {value}"
    return f"To {_name_day(day - _ONE_DAY)}" if name == "date_to" else f"From {_name_day(day)}"


def _name_day(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"


def _list_periods(today: date) -> list[tuple[str, date, date]]:
    """Each with its first day and the day after its last one."""
    week, (first, next_first) = Week.of(today), find_month(today)
    previous_first, _ = find_month(first - _ONE_DAY)
    return [
        ("Last 7 days", today - timedelta(days=6), today + _ONE_DAY),
        ("This week", week.monday, week.next.monday),
        ("Last week", week.previous.monday, week.monday),
        ("This month", first, next_first),
        ("Last month", previous_first, first),
    ]
