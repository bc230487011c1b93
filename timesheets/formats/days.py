"""Weeks, the moments at which days begin in a time zone, and both as people read them."""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_NAME = re.compile(r"(\d{4})-W(\d\d)", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1901, 2998
_ONE_WEEK = timedelta(weeks=1)


@functools.lru_cache(maxsize=1024)
def find_start_of_day(day: str, zone: ZoneInfo) -> datetime:
    """Midnight of the day; if the zone skips that midnight, the first moment after it."""
    midnight = datetime.fromisoformat(day).replace(tzinfo=zone)
    earliest, latest = (midnight.replace(fold=fold).astimezone(UTC) for fold in (1, 0))
    if latest <= earliest:
        # Midnight occurs once or twice. The first occurrence counts.
        return latest
    seconds = range(int((latest - earliest).total_seconds()))
    moments = (earliest + timedelta(seconds=second) for second in seconds)
    return next((each for each in moments if each.astimezone(zone).date() >= midnight.date()), latest)


def name_week(day: date) -> str:
    """The week of the day as ISO 8601 writes it, such as 2017-W19."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def write_day(moment: date) -> str:
    """Such as `10 May 2017`."""
    return f"{moment.day} {moment:%b %Y}"


def write_moment(moment: datetime) -> str:
    """Such as `10 May 2017, 17:40`."""
    return f"{write_day(moment)}, {moment:%H:%M}"


def find_month(day: date) -> tuple[date, date]:
    """The first day of the day's month, and that of the next one."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Week:
    """A week of ISO 8601: Monday to Sunday. The years are those that an entry may have, without the ends."""

    monday: date

    @classmethod
    def of(cls, day: date) -> "Week":
        """The week that the day is in. Raises ValueError."""
        if not _FIRST_YEAR <= day.isocalendar().year <= _LAST_YEAR:
            raise ValueError(f"{day} is too far away")
        return cls(monday=day - timedelta(days=day.weekday()))

    @classmethod
    def parse(cls, name: str) -> "Week":
        """The week with a name such as 2026-W47. Raises ValueError."""
        match = _NAME.fullmatch(name)
        if match is None:
            raise ValueError(f"{name!r} is no week")
        return cls.of(date.fromisocalendar(int(match[1]), int(match[2]), 1))

    def __str__(self) -> str:
        return name_week(self.monday)

    @property
    def days(self) -> Sequence[date]:
        return [self.monday + timedelta(days=number) for number in range(7)]

    @property
    def sunday(self) -> date:
        return self.monday + timedelta(days=6)

    @property
    def previous(self) -> "Week":
        return Week(monday=self.monday - _ONE_WEEK)

    @property
    def next(self) -> "Week":
        return Week(monday=self.monday + _ONE_WEEK)
