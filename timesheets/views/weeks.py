"""Show the week of a person, or of everybody, as a page: parse, call, respond."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from timesheets import conf
from timesheets.browser.weeks import describe_people, describe_week, list_cells
from timesheets.exceptions import InvalidParameter
from timesheets.fields import make_week_field
from timesheets.formats.days import Week
from timesheets.renderers import PageResponse
from timesheets.storage.missing import list_people
from timesheets.views.downloads import Download
from timesheets.views.parameters import ClientField, allow_only, find_member, read_parameters
from timesheets.views.reading import PageView, read_reach

_PARAMETERS = {
    "user_id": find_member("user_id"),
    "week": make_week_field(),
    # Browsers let people choose a day, and only some of them a week.
    "day": make_week_field(lambda text: Week.of(date.fromisoformat(text)), "a day, such as 2026-11-25"),
    "client": ClientField(),
    "format": allow_only("csv"),
}


class WeekView(PageView):
    """Show a person's week to people, or everybody's."""

    name = "Hours by week"
    for_programs = "GET /timesheets"
    page_part = "timesheets/parts/week.html"
    page_script = "timesheets/filters.js"

    def get(self, request: Request) -> Response | Download:
        values, _ = read_parameters(request, _PARAMETERS)
        user_id, now = values.get("user_id"), timezone.now()
        if user_id and "format" in values:
            raise InvalidParameter("format: Only the week of everybody is a file.")
        reach = read_reach(request, values.get("client_ids", ()))
        this_week = Week.of(now.astimezone(conf.time_zone()).date())
        # Who is missing is known when a week has ended.
        week = values.get("week") or values.get("day") or (this_week if user_id else this_week.previous)
        chosen = urlencode({"user_id": user_id or (), "client": reach.client_ids}, doseq=True)
        context: dict[str, Any] = {
            "week": week,
            "this_week": this_week,
            "reach": reach,
            "chosen": chosen,
            "here": f"{reverse('week')}?{chosen}&" if chosen else f"{reverse('week')}?",
        }
        if user_id:
            context |= {**describe_week(reach, user_id, week), "user_id": user_id, "title": self.name}
            return PageResponse(None, **context)
        people, has_ended = list_people(reach, conf.issuer().url, week, conf.time_zone(), now)
        if "format" in values:
            return Download(request, f"week-{week}", *list_cells(people, week))
        context |= describe_people(people, week, names_clients=reach.is_everything)
        return PageResponse(None, **context, has_ended=has_ended)
