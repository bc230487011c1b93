"""Show lists of assignments, and who is missing in a week by these lists: parse, call, respond."""

from typing import cast

from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from timesheets import conf
from timesheets.exceptions import InvalidParameter
from timesheets.fields import make_week_field
from timesheets.permissions import READ_ALL_SCOPE, READ_SCOPE, UPLOAD_SCOPE
from timesheets.renderers import PERSON_COLUMNS, CSVRenderer, PageResponse, choose_columns, has_page
from timesheets.serializers import represent_assignments, represent_people
from timesheets.storage.assignments import COLUMNS, find_newest_list
from timesheets.storage.missing import WeekNotBegun, find_missing
from timesheets.trust.principals import MachineClient
from timesheets.views.parameters import ClientField, Fields, read_parameters, refuse_parameters
from timesheets.views.reading import ReadingView, read_reach

_MAX_ROWS_ON_PAGE = 200
_PARAMETERS_OF_MISSING: Fields = {"week": make_week_field(), "client": ClientField()}


class AssignmentView(APIView):
    """Read this client's own list. Requires the scope `batch:upload` or one to read."""

    name = "What may this client upload?"
    required_scopes = frozenset({UPLOAD_SCOPE})
    sufficient_scopes = frozenset({READ_SCOPE, READ_ALL_SCOPE})
    renderer_classes = [*APIView.renderer_classes, CSVRenderer]
    page_part = "timesheets/parts/assignments.html"

    def get(self, request: Request) -> Response:
        refuse_parameters(request)
        members = represent_assignments(find_newest_list(cast("MachineClient", request.user).key))
        rows = members["assignments"]
        if rows and has_page(request):
            members["assignments"] = rows[:_MAX_ROWS_ON_PAGE]
        return PageResponse(members, columns=COLUMNS, rows=rows or (), row_count=len(rows or ()))


class MissingView(ReadingView):
    """Compare a week's hours with the client's list of assignments."""

    name = "Who is missing?"
    renderer_classes = [*APIView.renderer_classes, CSVRenderer]

    def get(self, request: Request) -> Response | HttpResponseRedirect:
        if has_page(request):
            # For people, the weeks have what this shows, and the hours of each day.
            return HttpResponseRedirect(f"{reverse('week')}?{request.query_params.urlencode()}")
        values, _ = read_parameters(request, _PARAMETERS_OF_MISSING, required={"week"})
        week, reach = values["week"], read_reach(request, values.get("client_ids", ()))
        try:
            found = find_missing(reach, conf.issuer().url, week, conf.time_zone(), timezone.now())
        except WeekNotBegun:
            raise InvalidParameter("week: This week has not begun.") from None
        body = represent_people(week, *found, names_clients=reach.is_everything)
        return PageResponse(body, columns=choose_columns(PERSON_COLUMNS, reach), rows=body["people"] or ())
