"""Show who has no hours, or too few, in a week: parse, call, respond."""

from typing import Any

from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from timesheets import conf
from timesheets.exceptions import InvalidParameter
from timesheets.fields import WeekField
from timesheets.renderers import PERSON_COLUMNS, CSVRenderer, PageResponse, choose_columns, has_page
from timesheets.serializers import represent_people
from timesheets.storage.missing import WeekNotBegun, find_missing
from timesheets.views.list_options import ClientField, read_parameters
from timesheets.views.reading import ReadingView, read_reach


class MissingParameters(serializers.Serializer[Any]):
    week = WeekField()
    client = ClientField(required=False)


_PARAMETERS = MissingParameters()


class MissingView(ReadingView):
    """Compare a week's hours with the client's list of assignments."""

    name = "Who is missing?"
    renderer_classes = [*APIView.renderer_classes, CSVRenderer]

    def get(self, request: Request) -> Response | HttpResponseRedirect:
        if has_page(request):
            # For people, the weeks have what this shows, and the hours of each day.
            return HttpResponseRedirect(f"{reverse('week')}?{request.query_params.urlencode()}")
        values, _ = read_parameters(request, _PARAMETERS)
        week, reach = values["week"], read_reach(request, values.get("client_ids", ()))
        try:
            found = find_missing(reach, conf.issuer().url, week, conf.time_zone(), timezone.now())
        except WeekNotBegun:
            raise InvalidParameter("week: This week has not begun.") from None
        body = represent_people(week, *found, names_clients=reach.is_everything)
        return PageResponse(body, columns=choose_columns(PERSON_COLUMNS, reach), rows=body["people"] or ())
