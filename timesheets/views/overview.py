"""Show what happened this month and this week to people who may read: parse, call, respond."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from timesheets import conf
from timesheets.browser.pages import PageRenderer
from timesheets.browser.sessions import SessionAuthentication
from timesheets.formats.days import Week, find_month, find_start_of_day
from timesheets.renderers import PageResponse
from timesheets.serializers import represent_receipt
from timesheets.storage.changes import count_corrections
from timesheets.storage.missing import find_missing
from timesheets.storage.queries import TimesheetQuery
from timesheets.storage.receipts import ReceiptQuery, count_with_rejected, list_receipts
from timesheets.storage.totals import add_up
from timesheets.views.reading import ReadingView, read_reach

_LATEST = 5
_ONE_DAY, _RECENT = timedelta(days=1), timedelta(days=6)


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
