"""Lay out sums of hours as a report: its period, its lines, and what each opens."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.html import escape

from timesheets.browser.filters import DATES, describe_pair, parse_day
from timesheets.formats.days import find_month
from timesheets.storage.rows import Reach
from timesheets.storage.totals import Group

_WORDS = {"user_id": "employee"}
_CHOICES = ("project", "user_id", "week", "user_id,project", "user_id,week", "project,week")
_CHOICES_OF_CLIENTS = ("client", "client,project", "client,week", "user_id,client")
# What turns the name of a period into its first day, and how people read it.
_PERIODS = {"day": ("", "%a, %d %b %Y"), "week": ("-1", "%G-W%V, from %d %b"), "month": ("-01", "%B %Y")}
_ONE_DAY, _ONE_WEEK = timedelta(days=1), timedelta(days=7)
# Of the table. With more columns or bytes, the page would be slow to read or to load.
MAX_COLUMNS, MAX_BYTES = 12, 80_000
# Of a row, without its texts and addresses.
_ROW_BYTES = 250

# What entries have in common. Only a client has two names, of which the organization may be empty.
Name = tuple[str, ...]
Row = TypeVar("Row")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A row or the head of a column, and what it opens. `cells` has the hours of a row in each column.

    An address is None if no filter selects just what was added up.
    """

    label: str
    hours: Decimal
    address: str | None = None
    entries: int = 0
    cells: Sequence[tuple[Decimal, str | None]] = ()


class _Table:
    """The sums by name, and the addresses of what was added up."""

    def __init__(self, by: Sequence[str], groups: Sequence[Group], sent: QueryDict) -> None:
        self._by, self._filters = by, {name: values for name, values in sent.lists() if name != "by"}
        self._groups = {_split(by, group.names): group for group in groups}
        self.sums: list[dict[Name, Decimal]] = [defaultdict(Decimal) for _ in by]
        self.entries: Counter[Name] = Counter()
        for names, group in self._groups.items():
            self.entries[names[0]] += group.entries
            for sums, name in zip(self.sums, names, strict=True):
                sums[name] += group.hours
        clients = Counter(name[0] for name in self.sums[by.index("client")]) if "client" in by else {}
        # No filter selects one organization.
        self._several = {client for client, count in clients.items() if count > 1}

    def rank(self, axis: int) -> list[Name]:
        """The one with the most hours comes first, but of periods the newest."""
        sums = self.sums[axis]
        if self._by[axis] in _PERIODS:
            return sorted(sums, reverse=True)
        return sorted(sums, key=lambda name: (-sums[name], name))

    def describe(self, axis: int, name: Name, **more: Any) -> Line:
        """A line, which opens its own parts, by what no filter has fixed yet."""
        filters = self._select({self._by[axis]: name})
        keys = (key for key in (*self._by, "user_id", "project") if key != self._by[axis])
        by = next((key for key in keys if len((filters or {}).get(key, ())) != 1), None)
        hours = self.sums[axis][name]
        return Line(label=_label(self._by[axis], name), hours=hours, address=_link(filters, by), **more)

    def describe_rows(self, columns: Sequence[Name]) -> Iterator[Line]:
        for name in self.rank(0):
            cells: list[tuple[Decimal, str | None]] = []
            for column in columns:
                group = self._groups.get((name, column))
                filters = group and self._select(dict(zip(self._by, (name, column), strict=True)))
                cells.append((group.hours if group else Decimal(), _link(filters)))
            yield self.describe(0, name, entries=self.entries[name], cells=cells)

    def _select(self, parts: Mapping[str, Name]) -> Mapping[str, Sequence[str]] | None:
        """The filters of a part of the report; None if there are none that select just it."""
        filters = dict(self._filters)
        for key, name in parts.items():
            if key in _PERIODS:
                first, end = map(str, _find_bounds(key, _read_day(key, name)))
                filters["date_from"] = [max(first, *filters.get("date_from", ()))]
                filters["date_to"] = [min(end, *filters.get("date_to", ()))]
            elif key == "client" and name[0] in self._several:
                return None
            else:
                filters[key] = [name[0]]
        return filters


def take_what_fits(rows: Iterable[Row], used: int = 0, times: int = 1) -> Iterator[Row]:
    """The first rows, as many as a page has room for that shows each row's text so many times."""
    for row in rows:
        used += _ROW_BYTES + times * len(escape(row).encode())
        if used > MAX_BYTES:
            return
        yield row


def describe_report(
    *, by: Sequence[str], groups: Sequence[Group], sent: QueryDict, reach: Reach
) -> Mapping[str, Any]:
    """What the page of a report shows of the groups, and the choices of its form."""
    table = _Table(by, groups, sent)
    columns = table.rank(1)[:MAX_COLUMNS] if len(by) > 1 else []
    if by[-1] in _PERIODS:
        columns.reverse()
    heads = [table.describe(1, name) for name in columns]
    lines = list(take_what_fits(table.describe_rows(columns), len(escape(heads).encode())))
    words = [_WORDS.get(key, key) for key in by]
    choices = dict.fromkeys((*_CHOICES, *(_CHOICES_OF_CLIENTS if reach.is_everything else ()), ",".join(by)))
    period = _describe_period(sent)
    return {
        **period,
        "title": f"Hours by {' and '.join(words)}, {period['period']}",
        "words": words,
        "choices": {
            choice: ", ".join(_WORDS.get(key, key) for key in choice.split(",")).capitalize()
            for choice in choices
        },
        "heads": heads,
        "lines": lines,
        "most": max((line.hours for line in lines), default=0),
        "total": Line(
            label="Total",
            hours=sum((group.hours for group in groups), Decimal()),
            entries=table.entries.total(),
            cells=[(head.hours, None) for head in heads],
        ),
        "row_count": len(table.sums[0]),
        "column_count": len(table.sums[-1]),
    }


def _split(by: Sequence[str], names: Sequence[str]) -> tuple[Name, ...]:
    """The names of a group, those of a client together."""
    rest = iter(names)
    return tuple((next(rest), next(rest)) if key == "client" else (next(rest),) for key in by)


def _label(key: str, name: Name) -> str:
    return _name_period(key, _read_day(key, name)) if key in _PERIODS else " for ".join(filter(None, name))


def _name_period(key: str, first: date) -> str:
    return f"{first:{_PERIODS[key][1]}}"


def _read_day(key: str, name: Name) -> date:
    """The first day of the period."""
    return date.fromisoformat(name[0] + _PERIODS[key][0])


def _find_bounds(key: str, day: date) -> tuple[date, date]:
    """The first day of the period that the day is in, and the day after its last one."""
    if key == "month":
        return find_month(day)
    if key == "week":
        first = day - timedelta(days=day.weekday())
        return first, first + _ONE_WEEK
    return day, day + _ONE_DAY


def _link(filters: Mapping[str, Sequence[str]] | None, by: str | None = None) -> str | None:
    """The address of a report; without `by`, of the entries."""
    if filters is None:
        return None
    page, more = ("totals", {"by": by}) if by else ("timesheets", {"current": "true"})
    return f"{reverse(page)}?{urlencode({**more, **filters}, doseq=True)}"


def _describe_period(sent: QueryDict) -> Mapping[str, Any]:
    """The words for the days of a report. A month and a week have `neighbors`, before and after it."""
    first, end = (parse_day(sent.get(name, "")) for name in DATES)
    for key in ("month", "week"):
        if first and end and (first, end) == _find_bounds(key, first):
            neighbors = []
            for begin, limit in (_find_bounds(key, first - _ONE_DAY), _find_bounds(key, end)):
                query = {**dict(sent.lists()), "date_from": begin, "date_to": limit}
                neighbors.append((_name_period(key, begin), urlencode(query, doseq=True)))
            return {"period": _name_period(key, first), "neighbors": neighbors}
    words = (describe_pair(name, sent.get(name, "")) for name in DATES if name in sent)
    return {"period": " ".join(f"{each[0].lower()}{each[1:]}" for each in words) or "all days"}
