"""Read back the entries of a client: parse, call, respond."""

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from timesheets.exceptions import InvalidParameter
from timesheets.renderers import CSVRenderer, PageResponse, has_page
from timesheets.serializers import represent_stored_entry
from timesheets.storage.queries import NotSettled, find_timesheet, list_timesheets
from timesheets.views.list_options import (
    check_timesheet_parameters,
    read_list_options,
    respond_with_page,
)
from timesheets.views.reading import ReadingView, read_reach


class UnsettledState(InvalidParameter):
    default_detail = "as_of: Send the id of a stored entry. There may still be new entries up to this id."


class TimesheetListView(ReadingView):
    """List the entries of this client."""

    name = "Entries"
    resource_path = "/timesheets"
    renderer_classes = [*APIView.renderer_classes, CSVRenderer]
    page_part = "timesheets/parts/timesheets.html"
    page_script = "timesheets/filters.js"

    def get(self, request: Request) -> Response:
        options = read_list_options(request)
        if has_page(request):
            options = options.suit_a_page()
        try:
            page = list_timesheets(options.reach, options.query, options.page_size)
        except NotSettled:
            raise UnsettledState from None
        results = [represent_stored_entry(timesheet) for timesheet in page.timesheets]
        response = respond_with_page(
            self.resource_path, options, results, page.next_id, entries=page.timesheets
        )
        response["Timesheets-As-Of"] = str(page.as_of)
        return response


class TimesheetView(ReadingView):
    """Read one entry of this client."""

    renderer_classes = [*APIView.renderer_classes, CSVRenderer]
    page_part = "timesheets/parts/timesheet.html"

    @property
    def resource_path(self) -> str:
        return f"{TimesheetListView.resource_path}/{self.kwargs['timesheet_id']}"

    def get_view_name(self) -> str:
        return f"Entry {self.kwargs['timesheet_id']}"

    def get(self, request: Request, timesheet_id: int) -> Response:
        check_timesheet_parameters(request)
        reach = read_reach(request)
        timesheet = find_timesheet(reach, timesheet_id)
        if timesheet is None:
            raise NotFound(
                f"{'No' if reach.is_everything else 'This'} client has no timesheet {timesheet_id}."
            )
        return PageResponse(represent_stored_entry(timesheet), reach=reach, stored=timesheet)
