"""Show the week of a person, or of everybody, as a page: parse, call, respond."""

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from timesheets import conf
from timesheets.browser.charts import draw_days
from timesheets.browser.days import parse_day
from timesheets.browser.downloads import write_rows
from timesheets.browser.people import describe_people, list_cells
from timesheets.browser.weeks import limit_projects, read_week
from timesheets.fields import WeekField
from timesheets.formats.days import Week
from timesheets.renderers import PageResponse
from timesheets.storage.missing import list_people
from timesheets.storage.rows import Reach
from timesheets.views.downloads import Download, start_download
from timesheets.views.list_options import ClientField, OnlyValueField, find_member, read_parameters
from timesheets.views.reading import PageView, read_reach

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
    client = ClientField()
    format = OnlyValueField("csv")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if {"week", "day"} <= attrs.keys():
            raise serializers.ValidationError({"day": ["Send a week or a day of it, not both."]})
        if {"user_id", "format"} <= attrs.keys():
            raise serializers.ValidationError({"format": ["Only the week of everybody is a file."]})
        return attrs


# `partial`: no parameter is required. A serializer keeps no state between calls.
_PARAMETERS = WeekParameters(partial=True)


class WeekView(PageView):
    """Show a person's week to people, or everybody's."""

    name = "Hours by week"
    for_programs = "GET /timesheets"
    page_part = "timesheets/parts/week.html"
    page_script = "timesheets/filters.js"

    def get(self, request: Request) -> Response | Download:
        values, _ = read_parameters(request, _PARAMETERS)
        now, reach = timezone.now(), read_reach(request, values.get("client_ids", ()))
        this_week = Week.of(now.astimezone(conf.time_zone()).date())
        # Who is missing is known when a week has ended.
        usual = this_week if "user_id" in values else this_week.previous
        week = values.get("week") or values.get("day") or usual
        chosen = urlencode({"user_id": values.get("user_id", ()), "client": reach.client_ids}, doseq=True)
        here = f"{reverse('week')}?{chosen}&" if chosen else f"{reverse('week')}?"
        context: dict[str, Any] = {"week": week, "this_week": this_week, "reach": reach, "here": here}
        if "user_id" in values:
            context |= _describe_week(reach, values["user_id"], week)
            context["period"] = f"{chosen}&date_from={week.monday}&date_to={week.next.monday}"
            return PageResponse(None, **context, chosen=chosen)
        people, has_ended = list_people(reach, conf.issuer().url, week, conf.time_zone(), now)
        if "format" in values:
            return start_download(request, write_rows(*list_cells(people, week)), f"week-{week}")
        context |= describe_people(people, week, names_clients=reach.is_everything)
        return PageResponse(None, **context, has_ended=has_ended)


def _describe_week(reach: Reach, user_id: str, week: Week) -> dict[str, Any]:
    """Return the content of the page: the person and the weeks."""
    report = read_week(reach, user_id, week, conf.time_zone())
    return {
        "user_id": user_id,
        "report": report,
        "projects": limit_projects(report.projects, MAX_PROJECTS),
        "days": draw_days(report),
        "most": max(report.recent.values()),
    }
