"""Read from a map how dates and hours are made from the cells of a row."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache

from timesheets_client.reading.maps.date_formats import (
    MAX_TEXTS,
    compile_formats,
    lacks_time,
    read_formats,
)
from timesheets_client.reading.maps.rules import (
    Cells,
    Rule,
    Table,
    Typed,
    WrongMap,
    read_source,
    read_template,
    read_text,
)
from timesheets_client.reading.maps.shipped import normalize
from timesheets_files.dates import find_offset
from timesheets_files.members import Malformed
from timesheets_files.printable import quote

# The time of day can be a cell of its own, behind that of the day.
TYPED_FORMATS = (
    *("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f"),
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%H:%M:%S"),
)
# Each matches few characters, so that no long text can fill a cache.
NUMBER = r"\d{1,9}(?:MARK\d{1,9})?"
WITH_DAYS = "1d 2h 30m"
# By unit, an example and a pattern. MARK is the decimal mark.
UNITS: Mapping[str, tuple[str, str]] = {
    "hours": ("1.5", rf"(?P<h>{NUMBER})"),
    "minutes": ("90", rf"(?P<m>{NUMBER})"),
    "seconds": ("5400", rf"(?P<s>{NUMBER})"),
    "h:mm": ("1:30", r"(?P<h>\d{1,5}):(?P<m>[0-5]\d)"),
    "h:mm:ss": ("1:30:00", r"(?P<h>\d{1,5}):(?P<m>[0-5]\d):(?P<s>[0-5]\d)"),
    WITH_DAYS: (
        WITH_DAYS,
        r"(?=\d)(?:(?P<d>\d{1,3})\s?d)?\s?(?:(?P<h>\d{1,5})\s?h)?\s?(?:(?P<m>\d{1,5})\s?m)?",
    ),
    "1h 30m": (
        "1h 30m",
        r"(?=\d)(?:(?P<h>\d{1,5})\s?h)?\s?(?:(?P<m>\d{1,5})\s?m(?:in)?)?\s?(?:(?P<s>\d{1,5})\s?s)?",
    ),
}


class RoundsToZero(Malformed):
    """A duration above 0 that becomes 0 hours."""


def compile_unit(unit: str, decimal: str, hours_per_day: Decimal) -> Callable[[str], Decimal]:
    """A function that reads a duration as hours. It raises Malformed, or RoundsToZero."""
    seconds_per_unit = {"d": 3600 * hours_per_day, "h": Decimal(3600), "m": Decimal(60), "s": Decimal(1)}
    example, pattern = UNITS[unit]
    fullmatch = re.compile(pattern.replace("MARK", re.escape(decimal)), re.ASCII).fullmatch

    @lru_cache(MAX_TEXTS)
    def read(text: str) -> Decimal:
        match = fullmatch(text)
        if match is None:
            raise Malformed(f"{quote(text)} is not a duration such as {example.replace('.', decimal)}")
        seconds = Decimal(0)
        for each, count in match.groupdict("0").items():
            seconds += seconds_per_unit[each] * Decimal(count.replace(decimal, "."))
        return make_hours(seconds, text)

    return read


def make_hours(seconds: Decimal, text: str) -> Decimal:
    """The hours, rounded half up to hundredths. Raises RoundsToZero; `text` is for its message."""
    hundredths = (2 * seconds + 36) // 72
    if seconds and not hundredths:
        raise RoundsToZero(
            f"{quote(text)} is less than 18 seconds, which are 0 hours; write 0.01, or skip such rows: "
            "write two lines in the map, [[skip]] and hours = 0"
        )
    return Decimal(int(hundredths)).scaleb(-2)


read_typed_moment = compile_formats(TYPED_FORMATS)
read_clock = compile_unit("h:mm:ss", ".", Decimal(24))


def read_date_rule(table: Table, zone: tzinfo | None) -> Rule:
    """The day that the cells show, or the time unless the map wants only the day."""
    source, only_day = read_source(table), table.get("only_day") is True
    take = compile_moment(source, read_formats(table, "format", UTC if only_day else zone))

    @lru_cache(MAX_TEXTS)
    def write(moment: datetime, layout: str) -> str:
        return moment.date().isoformat() if only_day or lacks_time(layout) else localize(moment, zone)

    return Rule(source.columns, lambda cells: write(*take(cells)))


def read_duration_rule(table: Table) -> Rule:
    source, unit, decimal = read_source(table), read_text(table, "unit"), read_text(table, "decimal", ".")
    if unit not in UNITS:
        raise WrongMap(f"unit must be one of {', '.join(UNITS)}")
    if decimal not in (".", ",") or ("decimal" in table and "MARK" not in UNITS[unit][1]):
        raise WrongMap("decimal must be . or , and applies only to hours, minutes and seconds")
    per_day = table.get("hours_per_day", 0 if unit == WITH_DAYS else 24)
    if not isinstance(per_day, int | Decimal) or not 0 < float(per_day) <= 24:
        raise WrongMap("hours_per_day must be above 0 and at most 24: how many hours 1d has, such as 8")
    convert = compile_unit(unit, decimal, Decimal(per_day))

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
        raise WrongMap("start and end need a time of day: %H and %M, or %I, %M and %p")
    take_start, take_end = compile_moment(start, formats), compile_moment(end, of_end)

    def measure(cells: Cells) -> Decimal:
        begin, (finish, layout) = take_start(cells)[0], take_end(cells)
        if "%Y" not in layout:
            days = begin.toordinal() + (finish.time() < begin.time())
            if days > date.max.toordinal():
                raise Malformed(f"there is no day after {begin.date()}")
            finish = datetime.combine(date.fromordinal(days), finish.timetz())
        first, last = (datetime.fromisoformat(localize(each, zone)) for each in (begin, finish))
        if last < first:
            raise Malformed(f"the end {finish} is before the start {begin}")
        return make_hours(
            Decimal((last - first) // timedelta(microseconds=1)) / 1_000_000, f"{begin} to {finish}"
        )

    return Rule([*start.columns, *end.columns], measure)


def compile_moment(source: Rule, formats: Sequence[str]) -> Callable[[Cells], tuple[datetime, str]]:
    """A function that reads the date and time in the cells in these formats, unless they are typed."""
    keys, read = list(map(normalize, source.columns)), compile_formats(formats)

    def read_moment(cells: Cells) -> tuple[datetime, str]:
        if type(cells[keys[0]]) is Typed:
            return read_typed_moment(" ".join(cells[key] for key in keys).strip())
        return read(source.take(cells))

    return read_moment


def localize(moment: datetime, zone: tzinfo | None) -> str:
    """The timestamp as in RFC 3339. Raises Malformed where the clock in `zone` changes."""
    return f"{moment.isoformat()}{'' if moment.tzinfo else find_offset(moment.isoformat(), zone)}"
