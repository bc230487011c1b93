"""How each member of an entry is made from the cells of a row, and which rows are skipped."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Protocol

from timesheets_client.reading.maps.date_formats import Moment, compile_formats
from timesheets_client.reading.maps.durations import compile_unit, make_hours
from timesheets_files.dates import find_offset, find_offset_of_day
from timesheets_files.members import Malformed
from timesheets_files.printable import quote

MAX_TEXTS = 4096

Cells = Sequence[str]
# The place of a column in the cells.
Find = Callable[[str], int]
# It raises Malformed.
Take = Callable[[Cells], object]
ReadMoment = Callable[[str], Moment]


class Typed(str):
    """The text of a date, a time, a duration or a number in a workbook, which needs no format."""

    __slots__ = ()


# The time of day can be a cell of its own, behind that of the day.
TYPED_FORMATS = (
    *("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f"),
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%H:%M:%S"),
)
read_typed_moment = compile_formats(TYPED_FORMATS)
read_clock = compile_unit("h:mm:ss")


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

    def bind_moment(self, find: Find, read: ReadMoment) -> Callable[[Cells], Moment]:
        """A function that reads the date and time in the cells with `read`, unless they are typed."""
        take, places = self.bind(find), [find(column) for column in self.columns]

        def read_moment(cells: Cells) -> Moment:
            if type(cells[places[0]]) is Typed:
                return read_typed_moment(" ".join(cells[place] for place in places).strip())
            return read(take(cells))

        return read_moment


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
    """The day that the cells show, or the time unless `only_day`."""

    read: ReadMoment
    zone: tzinfo | None
    only_day: bool = False

    def bind(self, find: Find) -> Take:
        read, zone = self.source.bind_moment(find, self.read), self.zone
        return (lambda cells: read(cells).day) if self.only_day else lambda cells: localize(read(cells), zone)


@dataclass(frozen=True, kw_only=True, slots=True)
class DurationRule(SourceRule):
    read: Callable[[str], Decimal]
    decimal: str = "."

    def bind(self, find: Find) -> Take:
        take = self.source.bind(find)
        convert = lru_cache(MAX_TEXTS)(self.read)

        def measure(cells: Cells) -> Decimal:
            text = take(cells)
            if type(text) is not Typed:
                return convert(text)
            return read_clock(text) if ":" in text else convert(text.replace(".", self.decimal))

        return measure


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
        read_start = self.start.bind_moment(find, self.read_start)
        read_end = self.end.bind_moment(find, self.read_end)
        return lambda cells: self._measure(read_start(cells), read_end(cells))

    def _measure(self, begin: Moment, finish: Moment) -> Decimal:
        if not finish.day:
            finish = finish._replace(day=begin.day if begin.time <= finish.time else find_next_day(begin.day))
        taken = locate(finish, self.zone) - locate(begin, self.zone)
        if taken < timedelta():
            raise Malformed(f"the end {show(finish)} is before the start {show(begin)}")
        seconds = Decimal(taken // timedelta(microseconds=1)) / 1_000_000
        return make_hours(seconds, f"{show(begin)} to {show(finish)}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Skip:
    """Rows whose column has one of the texts, or with `is_negated` none of them."""

    column: str
    texts: frozenset[str]
    is_negated: bool = False
    # The table may lack the column.
    is_optional: bool = False


def localize(moment: Moment, zone: tzinfo | None) -> str:
    """The date or the timestamp as in RFC 3339. Raises Malformed where the clock in `zone` changes."""
    if not moment.time:
        return moment.day
    local = f"{moment.day}T{moment.time}"
    return f"{local}{moment.offset or find_offset_of_day(moment.day, zone) or find_offset(local, zone)}"


def show(moment: Moment) -> str:
    return " ".join(filter(None, moment))


def locate(moment: Moment, zone: tzinfo | None) -> datetime:
    return datetime.fromisoformat(localize(moment, zone))


def find_next_day(day: str) -> str:
    try:
        return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    except OverflowError:
        raise Malformed(f"there is no day after {day}") from None
