"""Add up a person's hours by week, day and project. Knows no HTTP."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from timesheets.formats.days import Week, find_start_of_day
from timesheets.storage.queries import TimesheetQuery
from timesheets.storage.rows import Reach
from timesheets.storage.totals import MAX_GROUPS, Group, add_up

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

    `recent` has the newest week first. `is_part` if the person has more projects than can be added up.
    """

    week: Week
    projects: Sequence[ProjectHours]
    recent: Mapping[Week, Decimal]
    is_part: bool

    @property
    def days(self) -> Sequence[Decimal]:
        return join_projects(self.projects).days

    @property
    def total(self) -> Decimal:
        return join_projects(self.projects).total

    @property
    def nearest(self) -> Week | None:
        """The newest of the weeks that has hours."""
        return next((week for week, hours in self.recent.items() if hours), None)


def read_week(reach: Reach, user_id: str, week: Week, zone: ZoneInfo) -> WeekReport:
    """Add up what the person worked in the week, and in each of the weeks before it."""
    first, end = week.shift(1 - WEEKS).monday, week.next.monday
    query = TimesheetQuery(
        user_ids=(user_id,),
        date_from=find_start_of_day(first.isoformat(), zone),
        date_to=find_start_of_day(end.isoformat(), zone),
    )
    groups, _ = add_up(reach, query, ("project", "day"), zone)
    return summarize(groups, week)


def summarize(groups: Sequence[Group], week: Week) -> WeekReport:
    """The report of the groups, each a project and a day, whose days are in the weeks up to this one."""
    recent = {week.shift(-ago): Decimal(0) for ago in range(WEEKS)}
    projects: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 7)
    for (project, text), _, hours in groups:
        day = date.fromisoformat(text)
        number = day.weekday()
        worked = Week(monday=day - timedelta(days=number))
        recent[worked] += hours
        if worked == week:
            projects[project][number] += hours
    found = [ProjectHours(name=name, days=days) for name, days in projects.items()]
    return WeekReport(
        week=week,
        projects=sorted(found, key=lambda project: (-project.total, project.name)),
        recent=recent,
        is_part=len(groups) > MAX_GROUPS,
    )


def join_projects(projects: Iterable[ProjectHours]) -> ProjectHours:
    columns = zip(*(project.days for project in projects), strict=True)
    return ProjectHours(name=None, days=[sum(column, Decimal(0)) for column in columns] or [Decimal(0)] * 7)


def limit_projects(projects: Sequence[ProjectHours], count: int) -> Sequence[ProjectHours]:
    """The first `count` projects. If there are more, another row has them together."""
    rest = projects[count:]
    return [*projects[:count], join_projects(rest)] if rest else projects
