"""Show people who corrected what, and why: parse, call, respond."""

from datetime import timedelta
from urllib.parse import urlencode

from django.http import HttpResponseBase, HttpResponseRedirect
from django.utils import timezone
from rest_framework.request import Request

from timesheets import conf
from timesheets.renderers import PageResponse
from timesheets.serializers import represent_change
from timesheets.storage.changes import list_corrections
from timesheets.storage.queries import TimesheetQuery, find_timesheet
from timesheets.views.list_options import OF_CORRECTIONS, read_options, write_cursor
from timesheets.views.reading import PageView

# No index leads to corrections, so that uploads stay fast. This bound keeps a page below 300 ms.
MAX_SEARCHED_ROWS = 100_000
# With long texts, more would make a page of 100 kB.
PAGE_SIZE = 40


class CorrectionListView(PageView):
    """List the corrections of a period, the newest first."""

    name = "Corrections"
    for_programs = "GET /timesheets"
    page_part = "timesheets/parts/corrections.html"
    page_script = "timesheets/filters.js"

    def get(self, request: Request) -> HttpResponseBase:
        options = read_options(request, TimesheetQuery, OF_CORRECTIONS).suit_a_page(PAGE_SIZE)
        if not {"date_from", "date_to"} & options.parameters.keys():
            return _choose_last_days(request)
        changes, next_id = list_corrections(
            options.reach, options.query, options.page_size, MAX_SEARCHED_ROWS
        )
        next_page, unsearched = None, None
        if next_id is not None:
            cursor = write_cursor(next_id, newest_first=True)
            next_page = f"?{urlencode({**options.parameters, 'cursor': cursor}, doseq=True)}"
            if len(changes) < options.page_size:
                unsearched = find_timesheet(options.reach, next_id)
        return PageResponse(
            None,
            reach=options.reach,
            changes=[represent_change(change) for change in changes],
            next_page=next_page,
            unsearched=unsearched and unsearched.received_at,
        )


def _choose_last_days(request: Request) -> HttpResponseRedirect:
    today = timezone.localdate(timezone=conf.time_zone())
    query = request.query_params.copy()
    query["date_from"], query["date_to"] = str(today - timedelta(days=6)), str(today + timedelta(days=1))
    return HttpResponseRedirect(f"{request.path}?{query.urlencode()}")
