"""Describe weeks for pages: a person's, as a report and a chart, and everybody's, as far as it fits."""

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from timesheets import conf
from timesheets.browser.reports import describe_report
from timesheets.exceptions import TooManyGroups
from timesheets.formats.days import Week, find_start_of_day
from timesheets.renderers import CLIENT_COLUMNS, PERSON_COLUMNS
from timesheets.storage.missing import Person, Status
from timesheets.storage.queries import TimesheetQuery
from timesheets.storage.rows import Reach
from timesheets.storage.totals import MAX_GROUPS, Group, add_up

# In bytes of HTML: a page has 100 kB, with suggestions. A row has names, and a link for each day with hours.
_ROOM, _ROW, _LINK = 76_000, 550, 95
# Of projects. The color after them is for all others together.
COLORS = 5


def describe_week(reach: Reach, user_id: str, week: Week) -> Mapping[str, Any]:
    """The report of a person's week, with its `chart`, and the `period` that selects its entries.

    Raises TooManyGroups.
    """
    first, end, zone = str(week.monday), str(week.next.monday), conf.time_zone()
    names = {"user_id": user_id, "client": reach.client_ids}
    period = urlencode({**names, "date_from": first, "date_to": end}, doseq=True)
    query = TimesheetQuery(
        user_ids=(user_id,), date_from=find_start_of_day(first, zone), date_to=find_start_of_day(end, zone)
    )
    by = ("project", "day")
    groups, _ = add_up(reach, query, by, zone)
    if len(groups) > MAX_GROUPS:
        raise TooManyGroups
    return {
        **describe_report(by=by, groups=groups, sent=QueryDict(period), reach=reach),
        "chart": draw_days(groups, week),
        "period": period,
    }


def draw_days(groups: Sequence[Group], week: Week) -> Mapping[str, Any]:
    """A bar for each of the `days`, the `colors` of the largest projects, and whether there are `others`."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for (project, _), _, hours in groups:
        totals[project] += hours
    colors = _choose_colors(sorted(totals, key=lambda project: (-totals[project], project))[:COLORS])
    days: dict[date, dict[int, Decimal]] = {day: defaultdict(Decimal) for day in week.days}
    for (project, day), _, hours in groups:
        days[date.fromisoformat(day)][colors.get(project, COLORS + 1)] += hours
    sums = {day: sum(bar.values(), Decimal()) for day, bar in days.items()}
    most = max(sums.values())
    return {
        "days": [(day, sums[day], list(_draw_bar(bar, most))) for day, bar in days.items()],
        "colors": colors,
        "others": len(totals) > COLORS,
    }


def _choose_colors(projects: Sequence[str]) -> Mapping[str, int]:
    """The name of a project decides its color, in every week and for every employee.

    If two names decide for the same, the second project gets the next color that is free.
    """
    chosen: dict[str, int] = {}
    for project in projects:
        color = zlib.crc32(project.encode()) % COLORS + 1
        while color in chosen.values():
            color = color % COLORS + 1
        chosen[project] = color
    return chosen


def _draw_bar(bar: Mapping[int, Decimal], most: Decimal) -> Iterator[tuple[int, float, float]]:
    """The color of each part of a bar, where it begins, and its width, in percent."""
    begin = Decimal()
    for color, hours in sorted(bar.items()):
        yield color, round(float(100 * begin / most), 2), round(float(100 * hours / most), 2)
        begin += hours


def describe_people(people: Sequence[Person], week: Week, *, names_clients: bool) -> dict[str, Any]:
    """The `lines` of the first people, how many are `left_out`, and what all of them add up to."""
    rows = list(_list_rows(people, week, names_clients=names_clients))
    counts = Counter(person.status for person in people)
    return {
        "lines": rows,
        "left_out": len(people) - len(rows),
        "counts": [(status, counts[status]) for status in Status if status in counts],
        "unlisted": counts[Status.UNLISTED],
        "has_list": bool(counts.keys() - {Status.UNLISTED}),
        "sums": [sum(hours, Decimal()) for hours in zip(*(each.days for each in people), strict=True)],
        "hours": sum((each.hours for each in people), Decimal()),
        "expected": sum((each.expected or 0 for each in people), Decimal()),
    }


def _list_rows(people: Iterable[Person], week: Week, *, names_clients: bool) -> Iterator[dict[str, Any]]:
    """As many people as fit, each with the `query` that selects their entries and the `days` of the week."""
    room = _ROOM
    for person in people:
        owner = {"client": person.client.client_id} if names_clients else {}
        query = urlencode({"user_id": person.user_id, **owner})
        links = sum(map(bool, person.days))
        room -= _ROW + 3 * len(query + person.client.organization) + links * (_LINK + len(query))
        if room < 0:
            return
        yield {"person": person, "query": query, "days": zip(person.days, week.days, strict=True)}


def list_cells(people: Iterable[Person], week: Week) -> tuple[Sequence[str], Iterator[Sequence[object]]]:
    """The columns of a file and its rows, one for each person."""
    columns = (*PERSON_COLUMNS, *CLIENT_COLUMNS, *map(str, week.days))
    rows = (
        (each.user_id, each.hours, each.expected, each.status, *each.client[1:], *each.days)
        for each in people
    )
    return columns, rows
