"""Add up a person's hours by week, day and project. Knows no HTTP."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from timesheets.formats.days import Week, find_start_of_day
from timesheets.storage.entries import Entry
from timesheets.storage.queries import StoredEntry, TimesheetQuery, find_timesheet, list_timesheets
from timesheets.storage.rows import Reach
from timesheets.storage.verdicts import State

WEEKS = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectHours:
    """The hours of each day on a project; of several projects together if there is no name."""

    name: str | None
    days: Sequence[Decimal]

    @property
    def total(self) -> Decimal:
        return sum(self.days, Decimal(0))


@dataclass(frozen=True, kw_only=True, slots=True)
class WeekReport:
    """The hours of a week, the project with the most hours first, and those of the weeks up to it.

    `recent` has the newest week first. `superseded` and `withdrawn` count rows of the week that do not count.
    `unsearched` is when the newest row was received that was left out; None if all rows were searched.
    """

    week: Week
    projects: Sequence[ProjectHours]
    recent: Mapping[Week, Decimal]
    superseded: int
    withdrawn: int
    unsearched: datetime | None

    @property
    def days(self) -> Sequence[Decimal]:
        return add_up(self.projects).days

    @property
    def total(self) -> Decimal:
        return add_up(self.projects).total

    @property
    def nearest(self) -> Week | None:
        """The newest of the weeks that has hours."""
        return next((week for week, hours in self.recent.items() if hours), None)


def read_week(
    reach: Reach, user_id: str, week: Week, zone: ZoneInfo, *, max_searched: int, max_found: int
) -> WeekReport:
    """Add up what the person worked, of the newest rows in reach: `max_searched` are searched for it.

    Of the weeks' rows, the newest `max_found` count.
    """
    first, *_, end = find_bounds(week, zone)
    query = TimesheetQuery(user_ids=(user_id,), date_from=first, date_to=end, newest_first=True)
    page = list_timesheets(reach, query, max_found, max_scanned=max_searched)
    newest_left_out = None if page.next_id is None else find_timesheet(reach, page.next_id)
    unsearched = None if newest_left_out is None else newest_left_out.received_at
    return summarize(page.timesheets, week, zone, unsearched)


def find_bounds(week: Week, zone: ZoneInfo) -> Sequence[datetime]:
    """The moments at which the days of the weeks up to this one begin, and the end of the last one."""
    first = week.shift(1 - WEEKS).monday
    days = [first + timedelta(days=number) for number in range(7 * WEEKS + 1)]
    return [find_start_of_day(day.isoformat(), zone) for day in days]


def summarize(
    rows: Sequence[StoredEntry], week: Week, zone: ZoneInfo, unsearched: datetime | None = None
) -> WeekReport:
    """Add up the rows, all of which are within the bounds of the week in this zone."""
    bounds = find_bounds(week, zone)
    days = bounds[-8:-1]
    counted = [row.entry for row in rows if row.state is State.CURRENT]
    states = Counter(row.state for row in rows if row.entry.date >= days[0])
    return WeekReport(
        week=week,
        projects=_add_up_projects([entry for entry in counted if entry.date >= days[0]], days),
        recent=_add_up_weeks(counted, week, bounds[:-1:7]),
        superseded=states[State.SUPERSEDED],
        withdrawn=states[State.WITHDRAWN],
        unsearched=unsearched,
    )


def _add_up_weeks(
    entries: Iterable[Entry], week: Week, mondays: Sequence[datetime]
) -> Mapping[Week, Decimal]:
    hours = [Decimal(0)] * WEEKS
    for entry in entries:
        hours[bisect_right(mondays, entry.date) - 1] += entry.hours
    return {week.shift(-ago): hours[-1 - ago] for ago in range(WEEKS)}


def _add_up_projects(entries: Iterable[Entry], days: Sequence[datetime]) -> Sequence[ProjectHours]:
    hours: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 7)
    for entry in entries:
        hours[entry.project][bisect_right(days, entry.date) - 1] += entry.hours
    projects = [ProjectHours(name=name, days=of_days) for name, of_days in hours.items()]
    return sorted(projects, key=lambda project: (-project.total, project.name))


def add_up(projects: Iterable[ProjectHours]) -> ProjectHours:
    columns = zip(*(project.days for project in projects), strict=True)
    return ProjectHours(name=None, days=[sum(column, Decimal(0)) for column in columns] or [Decimal(0)] * 7)


def limit_projects(projects: Sequence[ProjectHours], count: int) -> Sequence[ProjectHours]:
    """The first `count` projects. If there are more, another row has them together."""
    rest = projects[count:]
    return [*projects[:count], add_up(rest)] if rest else projects
