"""Download the entries that a list shows as one file for spreadsheets: parse, call, respond."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, cast

from django.http import Http404, StreamingHttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.views import APIView

from timesheets import conf
from timesheets.browser.downloads import settle, write_download
from timesheets.exceptions import Overloaded
from timesheets.renderers import CSVRenderer
from timesheets.storage.places import NoPlace, Places
from timesheets.storage.queries import NotSettled
from timesheets.trust.principals import MachineClient
from timesheets.views.list_options import read_list_options
from timesheets.views.timesheets import EntriesPage, TimesheetListView, UnsettledState

# A thread sends a download for as long as its reader is slow. Of the 64 threads that `manage.py serve` starts
# per worker, bodies that arrive slowly take at most 48.
MAX_DOWNLOADS = 8
MAX_DOWNLOADS_OF_A_CLIENT = 2

_places = Places(lambda own, held: own < MAX_DOWNLOADS_OF_A_CLIENT and held < MAX_DOWNLOADS)


class Download(StreamingHttpResponse):
    """A file of known length, which holds a place until it is sent or its reader is gone.

    Without the length, a reader could not tell a file that ended early from a complete one: granian ends the
    response in order even if the application fails.
    """

    def __init__(self, pieces: Iterator[bytes], length: int, name: str, place: ExitStack) -> None:
        super().__init__(
            pieces,
            content_type="text/csv; charset=utf-8",
            headers={"Content-Length": str(length), "Content-Disposition": f'attachment; filename="{name}"'},
        )
        self._place = place

    def close(self) -> None:
        self._place.close()
        super().close()


class TimesheetDownloadView(EntriesPage):
    """All entries that the filters of a list select, on all its pages. Exists only where people sign in."""

    resource_path = "/timesheets/download"
    required_scopes = TimesheetListView.required_scopes
    renderer_classes = [*APIView.renderer_classes, CSVRenderer]

    def get_view_name(self) -> str:
        return "Download"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if not conf.lets_browsers_sign_in():
            raise Http404
        super().initial(request, *args, **kwargs)

    def get(self, request: Request) -> Download:
        client, query = cast("MachineClient", request.user), settle(read_list_options(request).query)
        with ExitStack() as place:
            try:
                place.enter_context(_places.take((client.issuer, client.client_id)))
                # The same bytes as below, because the state is settled.
                length = sum(len(piece) for piece in write_download(client, query))
            except NoPlace:
                raise Overloaded(
                    "Too many downloads run at the same time. Start this one again in a moment."
                ) from None
            except NotSettled:
                raise UnsettledState from None
            today = timezone.localdate(timezone=conf.time_zone())
            pieces = write_download(client, query)
            return Download(pieces, length, f"timesheets-{today}.csv", place.pop_all())
