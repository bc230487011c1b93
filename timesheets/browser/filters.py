"""Describe the filters of the list of entries: what its form holds, their words, and links to change them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from timesheets.browser.days import parse_day
from timesheets.formats.days import find_month

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
_OF_A_PAGE = ("order", "page_size", "fields")
# The form has no fields for them, and keeps them.
_KEPT = ("client", "received_since", "as_of", *_OF_A_PAGE)
_REPEATED = ("user_id", "project", "client")
DATES = ("date_from", "date_to")
# One more than the API takes. Each value has a link that holds all others.
MAX_SHOWN = 51

Pair = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Link:
    text: str
    address: str


@dataclass(frozen=True, kw_only=True)
class Period:
    """A button of the form. `value` has the first day, and the day after the last one."""

    text: str
    value: str
    # Whether the list is of this period.
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A field of the form that limits the dates. `is_day` is False if it holds anything but a day."""

    value: str
    is_day: bool


def read_filters(sent: QueryDict, today: date, page: str = "timesheets") -> Mapping[str, Any]:
    """The filters in a query string, which may be wrong: the form shows what was sent.

    `chips` say what they are, and each link leads to the `page` without it. `download` is the file with all
    pages of the list. A report has no chips of its period.
    """
    pairs = [(name, value) for name in (*_WORDS, *_OF_A_PAGE, "by") for value in _list_values(sent, name)]
    return {
        "user_ids": _list_values(sent, "user_id"),
        "projects": _list_values(sent, "project"),
        "first": _read_limit(sent.get("date_from", ""), days=0),
        "last": _read_limit(sent.get("date_to", ""), days=-1),
        "entry_id": sent.get("entry_id", ""),
        "upload": sent.get("upload", ""),
        "is_current": sent.get("current") == "true",
        "kept": [pair for pair in pairs if pair[0] in _KEPT],
        "chips": list(_describe_pairs(pairs, page)),
        "periods": list(_offer_periods(sent, today)),
        "download": _link_to("download", [pair for pair in pairs if pair[0] not in _OF_A_PAGE]),
    }


def _list_values(sent: QueryDict, name: str) -> list[str]:
    """The values, in part if there are too many; the last one if there may be only one."""
    values = [value for value in sent.getlist(name) if value]
    return values[:MAX_SHOWN] if name in _REPEATED else values[-1:]


def _read_limit(value: str, *, days: int) -> Limit:
    """The day, moved by some days; the value itself if it is no day."""
    day = parse_day(value)
    if day is None:
        return Limit(value=value, is_day=not value)
    return Limit(value=(day + timedelta(days=days)).isoformat(), is_day=True)


def _describe_pairs(pairs: Sequence[Pair], page: str) -> Iterator[Link]:
    unnamed = (*_OF_A_PAGE, "by", *(DATES if page == "totals" else ()))
    for position, (name, value) in enumerate(pairs):
        if name in unnamed or (name == "current" and value != "true"):
            continue
        rest = [*pairs[:position], *pairs[position + 1 :]]
        yield Link(text=describe_pair(name, value), address=_link_to(page, rest))


def describe_pair(name: str, value: str) -> str:
    if name == "current":
        return _WORDS[name]
    day = parse_day(value)
    if day is None or name not in DATES:
        return f"{_WORDS[name]} {value}"
    return f"To {_name_day(day - timedelta(days=1))}" if name == "date_to" else f"From {_name_day(day)}"


def _name_day(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"


def _offer_periods(sent: QueryDict, today: date) -> Iterator[Period]:
    """A week begins on Monday."""
    chosen = f"{sent.get('date_from')}/{sent.get('date_to')}"
    for text, first, end in _list_periods(today):
        value = f"{first}/{end}"
        yield Period(text=text, value=value, is_current=value == chosen)


def _list_periods(today: date) -> list[tuple[str, date, date]]:
    """Each with its first day and the day after its last one."""
    week = timedelta(days=7)
    monday = today - timedelta(days=today.weekday())
    first, next_first = find_month(today)
    previous_first, _ = find_month(first - timedelta(days=1))
    return [
        ("Last 7 days", today - timedelta(days=6), today + timedelta(days=1)),
        ("This week", monday, monday + week),
        ("Last week", monday - week, monday),
        ("This month", first, next_first),
        ("Last month", previous_first, first),
    ]


def _link_to(page: str, pairs: Sequence[Pair]) -> str:
    return f"{reverse(page)}?{urlencode(pairs)}" if pairs else reverse(page)
