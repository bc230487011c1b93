"""Find the employees of lists of assignments whose hours of a week are not there. Knows no HTTP."""

import enum
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import QuerySet, Sum

from timesheets.formats.days import Week, find_start_of_day
from timesheets.models import AssignmentList, Timesheet
from timesheets.storage.assignments import Assignment, find_newest_lists, parse_list
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


_ORDER = list(Status)


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """An employee's hours in a week. `expected` is None if no row of the list says how many."""

    client: ClientKey
    user_id: str
    hours: Decimal
    expected: Decimal | None
    status: Status


@dataclass(frozen=True, kw_only=True, slots=True)
class WeekOfPeople:
    """The people whom the lists name in the week or who have hours in it. None without a list."""

    week: Week
    has_ended: bool
    people: Sequence[Person] | None

    @property
    def is_complete(self) -> bool:
        """Whether nobody is missing or short."""
        return not any(each.status in (Status.MISSING, Status.SHORT) for each in self.people or ())


class WeekNotBegun(Exception):
    pass


def find_missing(reach: Reach, issuer: str, week: Week, zone: ZoneInfo, now: datetime) -> WeekOfPeople:
    """The people of the clients within reach. Raises WeekNotBegun.

    Lists of another issuer than this one count for nobody, since its tokens are refused.
    """
    begin, end = (find_start_of_day(each.monday.isoformat(), zone) for each in (week, week.next))
    if now < begin:
        raise WeekNotBegun
    lists = {
        ClientKey(each.issuer, each.client_id, each.organization): _keep_week(parse_list(each), week)
        for each in _select_lists(reach, issuer).iterator(chunk_size=1)
    }
    hours = _add_up(reach, begin, end) if lists else {}
    people = [
        person
        for client, rows in lists.items()
        for person in _list_people(client, rows, hours.get(client, {}), week, has_ended=now >= end)
    ]
    people.sort(key=lambda person: (_ORDER.index(person.status), person.user_id, person.client))
    return WeekOfPeople(week=week, has_ended=now >= end, people=people if lists else None)


def _select_lists(reach: Reach, issuer: str) -> QuerySet[AssignmentList]:
    if reach.own is not None:
        return find_newest_lists(**reach.own._asdict())
    lists = find_newest_lists(issuer=issuer)
    return lists.filter(client_id__in=reach.client_ids) if reach.client_ids else lists


def _keep_week(rows: Iterable[Assignment], week: Week) -> Sequence[Assignment]:
    """The rows that hold on a day of the week."""
    return [
        row
        for row in rows
        if (row.first_day or date.min) <= week.sunday and week.monday <= (row.last_day or date.max)
    ]


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
    client: ClientKey,
    rows: Sequence[Assignment],
    hours: Mapping[str, Decimal],
    week: Week,
    *,
    has_ended: bool,
) -> Iterator[Person]:
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        covers = (row.first_day or date.min) <= week.monday and week.sunday <= (row.last_day or date.max)
        if covers and row.hours_per_week is not None:
            expected[row.user_id] += row.hours_per_week
    matched = {row.user_id for row in rows}
    for user_id in (matched - {""}) | hours.keys():
        worked, due = hours.get(user_id, Decimal()), expected.get(user_id)
        if matched.isdisjoint((user_id, "")):
            status = Status.UNEXPECTED
        elif worked and worked >= (due or 0):
            status = Status.COMPLETE
        elif not has_ended:
            status = Status.OPEN
        else:
            status = Status.SHORT if worked else Status.MISSING
        yield Person(client=client, user_id=user_id, hours=worked, expected=due, status=status)
