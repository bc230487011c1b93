"""Read back the entries of a client: parse, call, respond."""

from collections.abc import Sequence

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from timesheets.exceptions import UnsettledState
from timesheets.renderers import (
    COLUMNS,
    CORRECTION_COLUMNS,
    CSVRenderer,
    PageResponse,
    choose_columns,
)
from timesheets.serializers import represent_stored_entry
from timesheets.storage.queries import NotSettled, TimesheetQuery, find_timesheet, list_timesheets
from timesheets.storage.rows import Reach
from timesheets.views.list_options import (
    OF_TIMESHEET,
    OF_TIMESHEETS,
    PEOPLES_PAGE_SIZE,
    read_options,
    respond_with_page,
)
from timesheets.views.parameters import read_parameters
from timesheets.views.reading import ReadingView, read_reach


class TimesheetListView(ReadingView):
    """List the entries of this client."""

    name = "Entries"
    renderer_classes = [*APIView.renderer_classes, CSVRenderer]
    page_part = "timesheets/parts/timesheets.html"
    page_script = "timesheets/filters.js"

    def get(self, request: Request) -> Response:
        options = read_options(request, TimesheetQuery, OF_TIMESHEETS, PEOPLES_PAGE_SIZE)
        try:
            page = list_timesheets(options.reach, options.query, options.page_size)
        except NotSettled:
            raise UnsettledState from None
        results = [represent_stored_entry(timesheet) for timesheet in page.timesheets]
        shown = {
            "columns": _choose_columns(request, options.reach),
            "entries": page.timesheets,
            "is_part": page.next_id is not None or options.query.from_id is not None,
        }
        response = respond_with_page(options, results, page.next_id, **shown)
        response["Timesheets-As-Of"] = str(page.as_of)
        return response


class TimesheetView(ReadingView):
    """Read one entry of this client."""

    name = "Entry {timesheet_id}"
    renderer_classes = [*APIView.renderer_classes, CSVRenderer]
    page_part = "timesheets/parts/timesheet.html"

    def get(self, request: Request, timesheet_id: int) -> Response:
        read_parameters(request, OF_TIMESHEET)
        reach = read_reach(request)
        timesheet = find_timesheet(reach, timesheet_id)
        if timesheet is None:
            raise NotFound(
                f"{'No' if reach.is_everything else 'This'} client has no timesheet {timesheet_id}."
            )
        columns = _choose_columns(request, reach)
        return PageResponse(
            represent_stored_entry(timesheet),
            columns=columns,
            reach=reach,
            stored=timesheet,
            client=request.user,
            token=request.auth,
        )


def _choose_columns(request: Request, reach: Reach) -> Sequence[str]:
    has_all = "fields" in request.query_params
    return choose_columns((*COLUMNS, *CORRECTION_COLUMNS) if has_all else COLUMNS, reach)
