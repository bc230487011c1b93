"""How each member of an entry is made from the cells of a row, and which rows are skipped."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Protocol

from timesheets_client.printable import quote
from timesheets_client.reading.dates import find_offset, find_offset_of_day
from timesheets_client.reading.entries import Malformed
from timesheets_client.reading.maps.date_formats import Moment
from timesheets_client.reading.maps.durations import make_hours

MAX_TEXTS = 4096

Cells = Sequence[str]
# The place of a column in the cells.
Find = Callable[[str], int]
# It raises Malformed.
Take = Callable[[Cells], object]
ReadMoment = Callable[[str], Moment]


class Rule(Protocol):
    @property
    def columns(self) -> Sequence[str]:
        """The columns that the rule reads."""

    def bind(self, find: Find) -> Take:
        """A function that makes the member from the stripped cells of a row."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A text with `%s` in the place of each column. It is empty if all columns are."""

    columns: Sequence[str]
    pattern: str = "%s"

    def bind(self, find: Find) -> Callable[[Cells], str]:
        pattern = self.pattern
        places = [find(column) for column in self.columns]
        if not places:
            constant = pattern % ()
            return lambda _: constant
        if pattern == "%s":
            return itemgetter(*places)
        take = itemgetter(*places) if len(places) > 1 else itemgetter(slice(places[0], places[0] + 1))

        def join(cells: Cells) -> str:
            found = take(cells)
            return (pattern % tuple(found)).strip() if any(found) else ""

        return join


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceRule:
    source: Source

    @property
    def columns(self) -> Sequence[str]:
        return self.source.columns


@dataclass(frozen=True, kw_only=True, slots=True)
class TextRule(SourceRule):
    """A text: renamed, looked up, or the default if there is none."""

    default: str = ""
    renames: Mapping[str, str] = field(default_factory=dict)
    lookup: Mapping[str, str] | None = None
    lookup_name: str = ""

    def bind(self, find: Find) -> Take:
        take = self.source.bind(find)
        if not (self.default or self.renames or self.lookup is not None):
            return take
        return lambda cells: self._convert(take(cells))

    def _convert(self, text: str) -> str:
        if not text:
            return self.default
        renamed = self.renames.get(text, text)
        if self.lookup is None:
            return renamed
        value = self.lookup.get(renamed.casefold())
        if value is None:
            raise Malformed(f"{quote(renamed)} is not in {self.lookup_name}")
        return value


@dataclass(frozen=True, kw_only=True, slots=True)
class IdRule(SourceRule):
    """An id, of which no part may be missing."""

    def bind(self, find: Find) -> Take:
        take = self.source.bind(find)
        places = [(column, find(column)) for column in self.columns]

        def identify(cells: Cells) -> str:
            for column, place in places:
                if not cells[place]:
                    raise Malformed(f"{quote(column)} is empty, and other rows could get the same id")
            return take(cells)

        return identify


@dataclass(frozen=True, kw_only=True, slots=True)
class DateRule(SourceRule):
    read: ReadMoment
    zone: tzinfo | None

    def bind(self, find: Find) -> Take:
        take, read, zone = self.source.bind(find), self.read, self.zone
        return lambda cells: localize(read(take(cells)), zone)


@dataclass(frozen=True, kw_only=True, slots=True)
class DurationRule(SourceRule):
    read: Callable[[str], Decimal]

    def bind(self, find: Find) -> Take:
        take = self.source.bind(find)
        convert = lru_cache(MAX_TEXTS)(self.read)
        return lambda cells: convert(take(cells))


@dataclass(frozen=True, kw_only=True, slots=True)
class PeriodRule:
    """The hours from a start to an end. An end without a date is on the day of the start, or on the next."""

    start: Source
    end: Source
    read_start: ReadMoment
    read_end: ReadMoment
    zone: tzinfo | None

    @property
    def columns(self) -> Sequence[str]:
        return [*self.start.columns, *self.end.columns]

    def bind(self, find: Find) -> Take:
        take_start, take_end = self.start.bind(find), self.end.bind(find)
        return lambda cells: self._measure(take_start(cells), take_end(cells))

    def _measure(self, start: str, end: str) -> Decimal:
        begin, finish = self.read_start(start), self.read_end(end)
        if not finish.day:
            finish = finish._replace(day=begin.day if begin.time <= finish.time else find_next_day(begin.day))
        taken = locate(finish, self.zone) - locate(begin, self.zone)
        if taken < timedelta():
            raise Malformed(f"the end {quote(end)} is before the start {quote(start)}")
        return make_hours(Decimal(taken // timedelta(microseconds=1)) / 1_000_000, f"{start} to {end}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Skip:
    """Rows whose column has one of the texts, or with `is_negated` none of them."""

    column: str
    texts: frozenset[str]
    is_negated: bool = False


def localize(moment: Moment, zone: tzinfo | None) -> str:
    """The date or the timestamp as in RFC 3339. Raises Malformed where the clock in `zone` changes."""
    if not moment.time:
        return moment.day
    local = f"{moment.day}T{moment.time}"
    return f"{local}{moment.offset or find_offset_of_day(moment.day, zone) or find_offset(local, zone)}"


def locate(moment: Moment, zone: tzinfo | None) -> datetime:
    return datetime.fromisoformat(localize(moment, zone))


def find_next_day(day: str) -> str:
    try:
        return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    except OverflowError:
        raise Malformed(f"there is no day after {day}") from None
