"""How each member of an entry is made from the cells of a row, and which rows are skipped."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from timesheets_client.reading.maps.date_formats import Moment, compile_formats
from timesheets_client.reading.maps.durations import compile_unit, make_hours
from timesheets_client.reading.maps.shipped import normalize
from timesheets_files.dates import find_offset
from timesheets_files.members import Malformed
from timesheets_files.printable import quote

MAX_TEXTS = 4096

# The stripped cells of a row, by the normalized names of their columns.
Cells = Mapping[str, str]
# It raises Malformed.
Take = Callable[[Cells], Any]
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


class Rule(NamedTuple):
    """The columns that a member is made from, as the map names them, and how.

    A source is a rule whose text other rules read.
    """

    columns: Sequence[str]
    take: Take


class Skip(NamedTuple):
    """Rows whose column has one of the texts, or with `is_negated` none of them."""

    column: str
    texts: Collection[str]
    is_negated: bool
    # The table may lack the column.
    is_optional: bool


def make_source(columns: Sequence[str], pattern: str = "%s") -> Rule:
    """A text with the cells in the places of `%s`. It is empty if all cells are."""
    keys = list(map(normalize, columns))
    if keys and pattern == "%s":
        return Rule(columns, itemgetter(*keys))

    def join(cells: Cells) -> str:
        found = [cells[key] for key in keys]
        return (pattern % tuple(found)).strip() if any(found) or not keys else ""

    return Rule(columns, join)


def make_text_rule(source: Rule, convert: Callable[[str], str]) -> Rule:
    return Rule(source.columns, lambda cells: convert(source.take(cells)))


def make_id_rule(source: Rule) -> Rule:
    """An id, of which no part may be missing."""
    keys = [(column, normalize(column)) for column in source.columns]

    def identify(cells: Cells) -> Any:
        for column, key in keys:
            if not cells[key]:
                raise Malformed(f"{quote(column)} is empty, and other rows could get the same id")
        return source.take(cells)

    return Rule(source.columns, identify)


def make_date_rule(source: Rule, read: ReadMoment, zone: tzinfo | None, *, only_day: bool) -> Rule:
    """The day that the cells show, or the time unless `only_day`."""
    take = compile_moment(source, read)
    return Rule(
        source.columns,
        (lambda cells: take(cells).day) if only_day else (lambda cells: localize(take(cells), zone)),
    )


def make_duration_rule(source: Rule, read: Callable[[str], Decimal], decimal: str) -> Rule:
    take, convert = source.take, lru_cache(MAX_TEXTS)(read)

    def measure(cells: Cells) -> Decimal:
        text = take(cells)
        if type(text) is not Typed:
            return convert(text)
        return read_clock(text) if ":" in text else convert(text.replace(".", decimal))

    return Rule(source.columns, measure)


def make_period_rule(
    start: Rule, end: Rule, read_start: ReadMoment, read_end: ReadMoment, zone: tzinfo | None
) -> Rule:
    """The hours from a start to an end. An end without a date is on the day of the start, or on the next."""
    take_start, take_end = compile_moment(start, read_start), compile_moment(end, read_end)

    def measure(cells: Cells) -> Decimal:
        begin, finish = take_start(cells), take_end(cells)
        if not finish.day:
            finish = finish._replace(day=begin.day if begin.time <= finish.time else find_next_day(begin.day))
        taken = locate(finish, zone) - locate(begin, zone)
        if taken < timedelta():
            raise Malformed(f"the end {show(finish)} is before the start {show(begin)}")
        seconds = Decimal(taken // timedelta(microseconds=1)) / 1_000_000
        return make_hours(seconds, f"{show(begin)} to {show(finish)}")

    return Rule([*start.columns, *end.columns], measure)


def compile_moment(source: Rule, read: ReadMoment) -> Callable[[Cells], Moment]:
    """A function that reads the date and time in the cells with `read`, unless they are typed."""
    keys = list(map(normalize, source.columns))

    def read_moment(cells: Cells) -> Moment:
        if type(cells[keys[0]]) is Typed:
            return read_typed_moment(" ".join(cells[key] for key in keys).strip())
        return read(source.take(cells))

    return read_moment


def localize(moment: Moment, zone: tzinfo | None) -> str:
    """The date or the timestamp as in RFC 3339. Raises Malformed where the clock in `zone` changes."""
    if not moment.time:
        return moment.day
    local = f"{moment.day}T{moment.time}"
    return f"{local}{moment.offset or find_offset(local, zone)}"


def show(moment: Moment) -> str:
    return " ".join(filter(None, moment))


def locate(moment: Moment, zone: tzinfo | None) -> datetime:
    return datetime.fromisoformat(localize(moment, zone))


def find_next_day(day: str) -> str:
    try:
        return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    except OverflowError:
        raise Malformed(f"there is no day after {day}") from None
