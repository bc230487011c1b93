"""Show a person's week as a page: parse, call, respond."""

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from timesheets import conf
from timesheets.browser.charts import draw_days, draw_weeks
from timesheets.browser.days import parse_day
from timesheets.browser.weeks import limit_projects, read_week
from timesheets.fields import WeekField
from timesheets.formats.days import Week
from timesheets.renderers import PageResponse
from timesheets.storage.reach import Reach
from timesheets.views.list_options import find_member, read_parameters
from timesheets.views.reading import PageView, read_reach

# No index leads to a person, so that uploads stay fast. These bounds keep a page below a second.
MAX_SEARCHED_ROWS = 500_000
MAX_FOUND_ROWS = 5_000
# With more, the table would be slow to read. Another row has the others together.
MAX_PROJECTS = 40


def _find_week(text: str) -> Week:
    """The week that a day is in. Raises ValueError."""
    day = parse_day(text)
    if day is None:
        raise ValueError
    return Week.of(day)


class WeekParameters(serializers.Serializer[Any]):
    """Validates the parameters. The employee follows the rules of an entry."""

    user_id = find_member("user_id")
    week = WeekField()
    # Browsers let people choose a day, and only some of them a week.
    day = WeekField(_find_week, "a day, such as 2026-11-25")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if {"week", "day"} <= attrs.keys():
            raise serializers.ValidationError({"day": ["Send a week or a day of it, not both."]})
        return attrs


# `partial`: no parameter is required. A serializer keeps no state between calls.
_PARAMETERS = WeekParameters(partial=True)


class WeekView(PageView):
    """Show a person's week to people."""

    name = "Hours by week"
    resource_path = "/people/week"
    for_programs = "GET /timesheets"
    page_part = "timesheets/parts/week.html"

    def get(self, request: Request) -> Response:
        values, _ = read_parameters(request, _PARAMETERS)
        this_week = Week.of(timezone.now().astimezone(conf.time_zone()).date())
        week = values.get("week") or values.get("day") or this_week
        context: dict[str, Any] = {"week": week, "this_week": this_week}
        if "user_id" in values:
            context |= _describe_week(read_reach(request), values["user_id"], week)
        return PageResponse(None, **context)


def _describe_week(reach: Reach, user_id: str, week: Week) -> dict[str, Any]:
    """What the page shows of the person and the weeks."""
    report = read_week(
        reach, user_id, week, conf.time_zone(), max_searched=MAX_SEARCHED_ROWS, max_found=MAX_FOUND_ROWS
    )
    days = {"date_from": week.monday, "date_to": week.next.monday}
    return {
        "user_id": user_id,
        "person_page": f"{reverse('week')}?{urlencode({'user_id': user_id})}",
        "report": report,
        "projects": limit_projects(report.projects, MAX_PROJECTS),
        "days": draw_days(report),
        "weeks": draw_weeks(report),
        "period": urlencode({"user_id": user_id, **days}),
        "max_searched": f"{MAX_SEARCHED_ROWS:,}",
        "max_found": f"{MAX_FOUND_ROWS:,}",
    }
