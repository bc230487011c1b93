"""Show operators which clients upload, and which ones went silent: parse, call, respond."""

from datetime import timedelta

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from timesheets import conf
from timesheets.browser.reports import take_what_fits
from timesheets.formats.days import find_start_of_day
from timesheets.permissions import READ_ALL_SCOPE
from timesheets.renderers import PageResponse
from timesheets.storage.clients import list_activity
from timesheets.views.list_options import refuse_parameters
from timesheets.views.reading import PageView

_RECENT = timedelta(days=6)
# A client's name is also in three addresses.
_TIMES = 4


class ClientListView(PageView):
    """List all clients. Requires the scope `read:all-timesheets`."""

    name = "Clients"
    resource_path = "/clients"
    required_scopes = frozenset({READ_ALL_SCOPE})
    for_programs = "GET /uploads"
    page_part = "timesheets/parts/clients.html"

    def get(self, request: Request) -> Response:
        refuse_parameters(request)
        zone = conf.time_zone()
        since = timezone.localdate(timezone=zone) - _RECENT
        found = list_activity(find_start_of_day(str(since), zone))
        shown = list(take_what_fits(found, times=_TIMES))
        return PageResponse(
            None, clients=shown, left_out=len(found) - len(shown), since=since, issuer=conf.issuer().url
        )
