"""Add up entries by employee, project, client and period: parse, call, respond."""

from collections.abc import Sequence

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from timesheets import conf
from timesheets.exceptions import InvalidParameter, TooManyGroups
from timesheets.renderers import CLIENT_COLUMNS, CSVRenderer, PageResponse, PlainJSONRenderer
from timesheets.serializers import represent_totals
from timesheets.storage.queries import NotSettled, TimesheetQuery
from timesheets.storage.totals import KEYS, MAX_GROUPS, add_up
from timesheets.views.list_options import FilterParameters, IdField, read_parameters
from timesheets.views.reading import ReadingView, read_reach, reads_all
from timesheets.views.timesheets import UnsettledState


class TotalsParameters(FilterParameters):
    entry_id = None  # type: ignore[assignment]
    as_of = IdField()
    by = serializers.CharField(trim_whitespace=False)


# `partial`: no parameter is required. A serializer keeps no state between calls.
_PARAMETERS = TotalsParameters(partial=True)


class TotalsView(ReadingView):
    """Add up the current entries."""

    resource_path = "/totals"
    renderer_classes = [PlainJSONRenderer, CSVRenderer]

    def get(self, request: Request) -> Response:
        values, _ = read_parameters(request, _PARAMETERS)
        by = _read_keys(request, values.pop("by", ""))
        reach = read_reach(request, values.pop("client_ids", ()))
        try:
            groups, as_of = add_up(reach, TimesheetQuery(**values), by, conf.time_zone())
        except NotSettled:
            raise UnsettledState from None
        if len(groups) > MAX_GROUPS:
            raise TooManyGroups
        columns = [column for key in by for column in (CLIENT_COLUMNS if key == "client" else (key,))]
        return PageResponse(represent_totals(columns, groups, as_of), columns=(*columns, "entries", "hours"))


def _read_keys(request: Request, text: str) -> Sequence[str]:
    """What to group by. Raises InvalidParameter."""
    known = [key for key in KEYS if key != "client" or reads_all(request)]
    keys = text.split(",")
    if len(keys) > 2 or len(set(keys)) < len(keys) or not set(keys) <= set(known):
        raise InvalidParameter(f"by: Send one or two of {', '.join(known)}, with a comma between them.")
    return keys
