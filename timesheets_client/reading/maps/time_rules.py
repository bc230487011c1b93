"""Read from a map how dates and hours are made from the cells of a row."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache

from timesheets_client.reading.maps.date_formats import (
    Moment,
    compile_formats,
    disagree,
    find_fault,
    lacks_time,
)
from timesheets_client.reading.maps.durations import SECONDS, UNITS, WITH_DAYS, compile_unit, make_hours
from timesheets_client.reading.maps.rules import Cells, Rule, Typed, read_source, read_template
from timesheets_client.reading.maps.shipped import normalize
from timesheets_client.reading.maps.tables import Table
from timesheets_files.dates import find_offset
from timesheets_files.members import Malformed
from timesheets_files.printable import quote

MAX_TEXTS = 4096
# The time of day can be a cell of its own, behind that of the day.
TYPED_FORMATS = (
    *("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f"),
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%H:%M:%S"),
)
read_typed_moment = compile_formats(TYPED_FORMATS)
read_clock = compile_unit("h:mm:ss")


def read_date_rule(table: Table, zone: tzinfo | None) -> Rule:
    """The day that the cells show, or the time unless the map wants only the day."""
    source, only_day = read_source(table), table.take("only_day", bool)
    formats = read_formats(table, "format", UTC if only_day else zone)
    take = compile_moment(source, formats)
    if only_day or all(map(lacks_time, formats)):
        return Rule(source.columns, lambda cells: take(cells).day)
    return Rule(source.columns, lambda cells: localize(take(cells), zone))


def read_duration_rule(table: Table) -> Rule:
    source, unit = read_source(table), table.take_choice("unit", UNITS)
    if "decimal" in table and unit not in SECONDS:
        table.refuse("decimal", f"applies only to {', '.join(SECONDS)}")
    decimal = table.take_choice("decimal", (".", ","), ".")
    per_day = table.take("hours_per_day", Decimal) if unit == WITH_DAYS else 24
    if not (Decimal(per_day).is_finite() and 0 < per_day <= 24):
        table.refuse("hours_per_day", "must be above 0 and at most 24: how many hours 1d has, such as 8")
    convert = lru_cache(MAX_TEXTS)(compile_unit(unit, decimal, per_day))

    def measure(cells: Cells) -> Decimal:
        text = source.take(cells)
        if type(text) is not Typed:
            return convert(text)
        return read_clock(text) if ":" in text else convert(text.replace(".", decimal))

    return Rule(source.columns, measure)


def read_period_rule(table: Table, zone: tzinfo | None) -> Rule:
    """The hours from a start to an end. An end without a date is on the day of the start, or on the next."""
    start, end = (read_template(table, key) for key in ("start", "end"))
    formats = read_formats(table, "format", zone)
    of_end = read_formats(table, "end_format", zone, needs_date=False) if "end_format" in table else formats
    if any(map(lacks_time, [*formats, *of_end])):
        table.refuse("", "start and end need a time of day: %H and %M, or %I, %M and %p")
    take_start, take_end = compile_moment(start, formats), compile_moment(end, of_end)

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


def read_formats(table: Table, key: str, zone: tzinfo | None, *, needs_date: bool = True) -> Sequence[str]:
    formats = table.take_texts(key)
    problems = [f"{quote(each)}: {fault}" for each in formats if (fault := find_fault(each))]
    if not formats:
        problems = ["is missing; it says what the dates look like, such as %d/%m/%Y"]
    elif not problems:
        problems = list(find_format_faults(formats, zone, needs_date=needs_date))
    for problem in problems:
        table.refuse(key, problem)
    return [] if problems else formats


def find_format_faults(formats: Sequence[str], zone: tzinfo | None, *, needs_date: bool) -> Iterator[str]:
    if disagree(formats):
        yield "these formats disagree on the order of day and month, which is never guessed"
    if needs_date and not all("%Y" in each for each in formats):
        yield "needs a date: %Y, %m and %d"
    if zone is None and not all(lacks_time(each) or "%z" in each for each in formats):
        yield 'a time of day needs a time zone; state it as time_zone = "Europe/Berlin", or with --time-zone'


def compile_moment(source: Rule, formats: Sequence[str]) -> Callable[[Cells], Moment]:
    """A function that reads the date and time in the cells in these formats, unless they are typed."""
    keys, read = list(map(normalize, source.columns)), compile_formats(formats)

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
