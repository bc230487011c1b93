"""Add up entries by employee, project, client and period: parse, call, respond."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponseBase, HttpResponseRedirect
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from timesheets import conf
from timesheets.exceptions import InvalidParameter, TooManyGroups, UnsettledState
from timesheets.formats.days import find_month
from timesheets.renderers import CLIENT_COLUMNS, CSVRenderer, PageResponse, has_page
from timesheets.serializers import represent_totals
from timesheets.storage.queries import NotSettled, TimesheetQuery
from timesheets.storage.totals import KEYS, MAX_GROUPS, add_up
from timesheets.views.parameters import DATES, NAMES, IdField, read_parameters
from timesheets.views.reading import ReadingView, read_reach, reads_all

_PARAMETERS = {**NAMES, **DATES, "as_of": IdField(), "by": serializers.CharField(trim_whitespace=False)}


class TotalsView(ReadingView):
    """Add up the current entries. The page without `by` is this month by project."""

    name = "Report"
    renderer_classes = [*APIView.renderer_classes, CSVRenderer]
    page_part = "timesheets/parts/report.html"
    page_script = "timesheets/filters.js"

    def get(self, request: Request) -> HttpResponseBase:
        if has_page(request) and "by" not in request.query_params:
            return _choose_project(request)
        return add_up_for_request(request)


def _choose_project(request: Request) -> HttpResponseRedirect:
    read_parameters(request, _PARAMETERS)
    query = request.query_params.copy()
    query["by"] = "project"
    if query.keys().isdisjoint({"date_from", "date_to"}):
        first, end = find_month(timezone.localdate(timezone=conf.time_zone()))
        query["date_from"], query["date_to"] = str(first), str(end)
    return HttpResponseRedirect(f"{request.path}?{query.urlencode()}")


def add_up_for_request(request: Request) -> PageResponse:
    """Return the sums. Raises InvalidParameter and TooManyGroups."""
    values, _ = read_parameters(request, _PARAMETERS)
    by = _read_keys(request, values.pop("by", ""))
    reach = read_reach(request, values.pop("client_ids", ()))
    try:
        groups, as_of = add_up(reach, TimesheetQuery(**values), by, conf.time_zone())
    except NotSettled:
        raise UnsettledState from None
    if len(groups) > MAX_GROUPS:
        raise TooManyGroups
    names = [name for key in by for name in (CLIENT_COLUMNS if key == "client" else (key,))]
    body = None if has_page(request) else represent_totals(names, groups, as_of)
    shown: dict[str, Any] = {"by": by, "groups": groups, "reach": reach, "sent": request.query_params}
    return PageResponse(body, columns=(*names, "entries", "hours"), **shown)


def _read_keys(request: Request, text: str) -> Sequence[str]:
    """Return the keys to group by. Raises InvalidParameter."""
    known = [key for key in KEYS if key != "client" or reads_all(request)]
    keys = text.split(",")
    if len(keys) > 2 or len(set(keys)) < len(keys) or not set(keys) <= set(known):
        raise InvalidParameter(f"by: Send one or two of {', '.join(known)}, with a comma between them.")
    return keys
