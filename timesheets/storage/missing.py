"""Compare the hours of a week with the lists of assignments. Knows no HTTP."""

import enum
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet, Sum

from timesheets.formats.days import Week, find_start_of_day
from timesheets.models import AssignmentList, Timesheet
from timesheets.storage.assignments import find_newest_lists, parse_list
from timesheets.storage.rows import IS_CURRENT, Reach
from timesheets.trust.principals import ClientKey


class Status(enum.StrEnum):
    """In the order in which people are listed."""

    MISSING = enum.auto()
    SHORT = enum.auto()
    # Missing or short, but the week has not ended.
    OPEN = enum.auto()
    COMPLETE = enum.auto()
    # There are hours, but no row of the list matches the employee in this week.
    UNEXPECTED = enum.auto()
    # There are hours, and the client has no list. Only pages show such people.
    UNLISTED = enum.auto()


_NO_HOURS = [Decimal()] * 7
_ORDER = {status: place for place, status in enumerate(Status)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """An employee's hours on the days of a week. `expected` is None if no row of the list says how many."""

    client: ClientKey
    user_id: str
    days: Sequence[Decimal]
    expected: Decimal | None
    status: Status

    @property
    def hours(self) -> Decimal:
        return sum(self.days, Decimal())


class WeekNotBegun(Exception):
    pass


def find_missing(
    reach: Reach, issuer: str, week: Week, zone: ZoneInfo, now: datetime
) -> tuple[Sequence[Person] | None, bool]:
    """Return the people that lists in reach name or that have hours, and whether the week has ended.

    Without a list, the people are None. Raises WeekNotBegun.
    """
    begin, *_, end = _find_bounds(week, zone)
    if now < begin:
        raise WeekNotBegun
    if not _find_lists(reach, issuer).exists():
        return None, now >= end
    people, has_ended = list_people(reach, issuer, week, zone, now)
    return [each for each in people if each.status is not Status.UNLISTED], has_ended


def list_people(
    reach: Reach, issuer: str, week: Week, zone: ZoneInfo, now: datetime
) -> tuple[Sequence[Person], bool]:
    """Like `find_missing`, for any week, and with the people of clients without a list."""
    bounds = _find_bounds(week, zone)
    has_ended = now >= bounds[-1]
    hours = _add_up(reach, bounds)
    people: list[Person] = []
    for newest in _find_lists(reach, issuer).iterator(chunk_size=1):
        client = ClientKey(newest.issuer, newest.client_id, newest.organization)
        people += _list_people(newest, client, hours.pop(client, {}), week, has_ended=has_ended)
    for client, found in hours.items():
        people += (
            Person(client=client, user_id=user_id, days=days, expected=None, status=Status.UNLISTED)
            for user_id, days in found.items()
        )
    return sorted(people, key=lambda each: (_ORDER[each.status], each.user_id, each.client)), has_ended


def _find_bounds(week: Week, zone: ZoneInfo) -> Sequence[datetime]:
    """The moments at which the days of the week begin, and its end."""
    return [find_start_of_day(str(day), zone) for day in (*week.days, week.next.monday)]


def _find_lists(reach: Reach, issuer: str) -> QuerySet[AssignmentList]:
    """The lists in reach. Those of other issuers are ignored, because their tokens are refused."""
    return find_newest_lists(**{"issuer": issuer, **reach.look_ups})


def _add_up(reach: Reach, bounds: Sequence[datetime]) -> dict[ClientKey, dict[str, Sequence[Decimal]]]:
    """The current hours of each day, by client and employee."""
    found: dict[ClientKey, dict[str, Sequence[Decimal]]] = defaultdict(dict)
    owned = reach.limit(Timesheet.objects.all())
    rows = owned.filter(IS_CURRENT, date__gte=bounds[0], date__lt=bounds[-1])
    names = ("client__issuer", "client__client_id", "client__organization", "user_id")
    days = {
        f"from_{begin:%d}": Sum("hours", filter=Q(date__gte=begin, date__lt=end), default=Decimal())
        for begin, end in pairwise(bounds)
    }
    for issuer, client_id, organization, user_id, *hours in rows.values_list(*names).annotate(**days):
        # SQLite adds up binary fractions.
        found[ClientKey(issuer, client_id, organization)][user_id] = [round(each, 2) for each in hours]
    return found


def _list_people(
    newest: AssignmentList,
    client: ClientKey,
    found: Mapping[str, Sequence[Decimal]],
    week: Week,
    *,
    has_ended: bool,
) -> Iterator[Person]:
    matched, expected = set(), defaultdict[str, Decimal](Decimal)
    for row in parse_list(newest):
        first, last = row.first_day or date.min, row.last_day or date.max
        if first <= week.sunday and week.monday <= last:
            matched.add(row.user_id)
            if row.hours_per_week is not None and first <= week.monday and week.sunday <= last:
                expected[row.user_id] += row.hours_per_week
    for user_id in (matched - {""}) | found.keys():
        days, due = found.get(user_id, _NO_HOURS), expected.get(user_id)
        worked = sum(days, Decimal())
        if matched.isdisjoint((user_id, "")):
            status = Status.UNEXPECTED
        elif worked and worked >= (due or 0):
            status = Status.COMPLETE
        elif has_ended:
            status = Status.SHORT if worked else Status.MISSING
        else:
            status = Status.OPEN
        yield Person(client=client, user_id=user_id, days=days, expected=due, status=status)
