"""Show people what happened: this month, who corrected what, and which client is silent."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

from django.http import HttpResponseBase, HttpResponseRedirect
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from timesheets import conf
from timesheets.browser.pages import PageRenderer
from timesheets.browser.reports import take_what_fits
from timesheets.browser.sessions import SessionAuthentication
from timesheets.formats.days import Week, find_month, find_start_of_day
from timesheets.permissions import READ_ALL_SCOPE
from timesheets.renderers import PageResponse
from timesheets.serializers import represent_change, represent_receipt
from timesheets.storage.changes import count_corrections, list_corrections
from timesheets.storage.clients import list_activity
from timesheets.storage.missing import find_missing
from timesheets.storage.queries import TimesheetQuery, find_timesheet
from timesheets.storage.receipts import ReceiptQuery, count_with_rejected, list_receipts
from timesheets.storage.totals import add_up
from timesheets.views.list_options import OF_CORRECTIONS, read_options, respond_with_page
from timesheets.views.parameters import refuse_parameters
from timesheets.views.reading import PageView, ReadingView, read_reach

_LATEST = 5
_ONE_DAY, _RECENT = timedelta(days=1), timedelta(days=6)
# No index leads to corrections, so that uploads stay fast. This bound keeps a page below 300 ms.
MAX_SEARCHED_ROWS = 100_000
# With long texts, more would make a page of 100 kB.
CORRECTIONS_PAGE_SIZE = 40
# A client's name is also in three addresses.
_TIMES_OF_A_CLIENT = 4


class OverviewView(ReadingView):
    """The landing page of a person who is signed in. Each number leads to its list."""

    name = "Overview"
    authentication_classes = [SessionAuthentication]
    renderer_classes = [PageRenderer]
    page_part = "timesheets/parts/overview.html"

    def get(self, request: Request) -> Response:
        reach, zone, now = read_reach(request), conf.time_zone(), timezone.now()
        today = timezone.localdate(now, zone)
        last_week, since = Week.of(today).previous, today - _RECENT
        this_month = find_month(today)
        hours = {}
        for first, end in (this_month, find_month(this_month[0] - _ONE_DAY)):
            date_from, date_to = (find_start_of_day(str(day), zone) for day in (first, end))
            query = TimesheetQuery(date_from=date_from, date_to=date_to)
            groups, _ = add_up(reach, query, ("client",), zone)
            hours[first, end] = sum((group.hours for group in groups), Decimal())
        people, _ = find_missing(reach, conf.issuer().url, last_week, zone, now)
        received_since = find_start_of_day(str(since), zone)
        receipts, _ = list_receipts(reach, ReceiptQuery(newest_first=True), _LATEST)
        return PageResponse(
            None,
            hours=hours,
            most=max(hours.values()),
            last_week=last_week,
            people=None if people is None else Counter(person.status for person in people),
            since=since,
            with_rejected=count_with_rejected(reach, received_since),
            corrections=count_corrections(reach, received_since),
            receipts=[represent_receipt(receipt, reach.find_owner(receipt)) for receipt in receipts],
        )


class CorrectionListView(PageView):
    """List the corrections of a period, the newest first."""

    name = "Corrections"
    for_programs = "GET /timesheets"
    page_part = "timesheets/parts/corrections.html"
    page_script = "timesheets/filters.js"

    def get(self, request: Request) -> HttpResponseBase:
        options = read_options(request, TimesheetQuery, OF_CORRECTIONS, CORRECTIONS_PAGE_SIZE)
        if not {"date_from", "date_to"} & options.parameters.keys():
            today = timezone.localdate(timezone=conf.time_zone())
            sent = request.query_params.copy()
            sent["date_from"], sent["date_to"] = str(today - _RECENT), str(today + _ONE_DAY)
            return HttpResponseRedirect(f"{request.path}?{sent.urlencode()}")
        changes, next_id = list_corrections(
            options.reach, options.query, options.page_size, MAX_SEARCHED_ROWS
        )
        unsearched = None
        if next_id is not None and len(changes) < options.page_size:
            unsearched = find_timesheet(options.reach, next_id)
        return respond_with_page(
            options,
            [represent_change(change) for change in changes],
            next_id,
            unsearched=unsearched and unsearched.received_at,
        )


class ClientListView(PageView):
    """List all clients, the silent ones first. Requires the scope `read:all-timesheets`."""

    name = "Clients"
    required_scopes = frozenset({READ_ALL_SCOPE})
    for_programs = "GET /uploads"
    page_part = "timesheets/parts/clients.html"

    def get(self, request: Request) -> Response:
        refuse_parameters(request)
        zone = conf.time_zone()
        since = timezone.localdate(timezone=zone) - _RECENT
        found = list_activity(find_start_of_day(str(since), zone))
        shown = list(take_what_fits(found, times=_TIMES_OF_A_CLIENT))
        return PageResponse(
            None, clients=shown, left_out=len(found) - len(shown), since=since, issuer=conf.issuer().url
        )
