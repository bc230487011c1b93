"""Compare the hours of a week with the lists of assignments. Knows no HTTP."""

import enum
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from zoneinfo import ZoneInfo

from django.db.models import Sum

from timesheets.formats.days import Week, find_start_of_day
from timesheets.models import AssignmentList, Timesheet
from timesheets.storage.assignments import find_newest_lists, parse_list
from timesheets.storage.reach import Reach
from timesheets.storage.rows import is_in_state
from timesheets.storage.verdicts import State
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


_ORDER = {status: place for place, status in enumerate(Status)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """An employee's hours in a week. `expected` is None if no row of the list says how many."""

    client: ClientKey
    user_id: str
    hours: Decimal
    expected: Decimal | None
    status: Status


class WeekNotBegun(Exception):
    pass


def find_missing(
    reach: Reach, issuer: str, week: Week, zone: ZoneInfo, now: datetime
) -> tuple[Sequence[Person] | None, bool]:
    """Return the people that lists in reach name or that have hours, and whether the week has ended.

    Without a list, the people are None. Lists of other issuers are ignored, because their tokens are
    refused. Raises WeekNotBegun.
    """
    begin, end = (find_start_of_day(str(each.monday), zone) for each in (week, week.next))
    if now < begin:
        raise WeekNotBegun
    has_ended = now >= end
    lists = find_newest_lists(**{"issuer": issuer, **reach.look_ups})
    if not lists.exists():
        return None, has_ended
    hours = _add_up(reach, begin, end)
    found = (_list_people(each, hours, week, has_ended=has_ended) for each in lists.iterator(chunk_size=1))
    people = chain.from_iterable(found)
    return sorted(people, key=lambda each: (_ORDER[each.status], each.user_id, each.client)), has_ended


def _add_up(reach: Reach, begin: datetime, end: datetime) -> Mapping[ClientKey, Mapping[str, Decimal]]:
    """The current hours between the moments, by client and employee."""
    hours: dict[ClientKey, dict[str, Decimal]] = defaultdict(dict)
    owned = Timesheet.objects.filter(client__in=reach.select_clients())
    rows = owned.filter(is_in_state(State.CURRENT), date__gte=begin, date__lt=end)
    names = ("client__issuer", "client__client_id", "client__organization", "user_id")
    for *client, user_id, total in rows.values_list(*names).annotate(total=Sum("hours")):
        # SQLite adds up binary fractions.
        hours[ClientKey(*client)][user_id] = round(total, 2)
    return hours


def _list_people(
    newest: AssignmentList, hours: Mapping[ClientKey, Mapping[str, Decimal]], week: Week, *, has_ended: bool
) -> Iterator[Person]:
    client = ClientKey(newest.issuer, newest.client_id, newest.organization)
    found, matched, expected = hours.get(client, {}), set(), defaultdict[str, Decimal](Decimal)
    for row in parse_list(newest):
        first, last = row.first_day or date.min, row.last_day or date.max
        if first <= week.sunday and week.monday <= last:
            matched.add(row.user_id)
            if row.hours_per_week is not None and first <= week.monday and week.sunday <= last:
                expected[row.user_id] += row.hours_per_week
    for user_id in (matched - {""}) | found.keys():
        worked, due = found.get(user_id, Decimal()), expected.get(user_id)
        if matched.isdisjoint((user_id, "")):
            status = Status.UNEXPECTED
        elif worked and worked >= (due or 0):
            status = Status.COMPLETE
        elif has_ended:
            status = Status.SHORT if worked else Status.MISSING
        else:
            status = Status.OPEN
        yield Person(client=client, user_id=user_id, hours=worked, expected=due, status=status)
