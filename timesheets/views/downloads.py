"""Download the entries that a list shows as one file for spreadsheets: parse, call, respond."""

import itertools
import logging
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, cast

from django.http import Http404, StreamingHttpResponse
from django.utils import timezone
from rest_framework.request import Request

from timesheets import conf
from timesheets.browser.downloads import settle, write_download, write_rows
from timesheets.exceptions import Overloaded, UnsettledState
from timesheets.storage.places import NoPlace, Places
from timesheets.storage.queries import NotSettled, TimesheetQuery
from timesheets.trust.principals import MachineClient
from timesheets.views.list_options import OF_TIMESHEETS, read_options
from timesheets.views.reading import ReadingView
from timesheets.views.timesheets import TimesheetListView
from timesheets.views.totals import TotalsView, add_up_for_request

logger = logging.getLogger(__name__)

# A thread sends a download for as long as its reader is slow. Of the 64 threads that `manage.py serve` starts
# per worker, bodies that arrive slowly take at most 48.
MAX_DOWNLOADS = 8
MAX_DOWNLOADS_OF_A_CLIENT = 2

_places = Places(lambda own, held: own < MAX_DOWNLOADS_OF_A_CLIENT and held < MAX_DOWNLOADS)


class Download(StreamingHttpResponse):
    """A zipped file, which holds a place until it is sent or its reader is gone."""

    def __init__(self, pieces: Iterator[bytes], name: str, place: ExitStack) -> None:
        super().__init__(
            _zip(pieces),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Encoding": "gzip", "Content-Disposition": f'attachment; filename="{name}"'},
        )
        self._place = place

    def close(self) -> None:
        self._place.close()
        super().close()


# Level 1 keeps up with the database. A window of 31 bits means gzip.
_ZIP_LEVEL, _GZIP = 1, 31
# The head of a block of the reserved type (RFC 1951, section 3.2.3), long enough to be read before the end.
_INVALID_BLOCK = b"\x06" * 16


def _zip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces as gzip, which ends broken if a piece fails.

    granian ends a response in order even if the application fails, so half a file would look complete.
    """
    compressor = zlib.compressobj(_ZIP_LEVEL, wbits=_GZIP)
    try:
        for piece in pieces:
            yield compressor.compress(piece) + compressor.flush(zlib.Z_SYNC_FLUSH)
    except Exception:
        logger.exception("A download failed while it was sent")
        yield _INVALID_BLOCK
    else:
        yield compressor.flush()


def start_download(request: Request, pieces: Iterator[bytes], name: str) -> Download:
    """The pieces as a file for spreadsheets. Raises Overloaded, and what the first piece raises."""
    with ExitStack() as place:
        try:
            place.enter_context(_places.take(cast("MachineClient", request.user).caller))
        except NoPlace:
            raise Overloaded(
                "Too many downloads run at the same time. Start this one again in a moment."
            ) from None
        # What fails at once is a problem, and no file.
        whole = itertools.chain([next(pieces)], pieces)
        today = timezone.localdate(timezone=conf.time_zone())
        return Download(whole, f"{name}-{today}.csv", place.pop_all())


class TimesheetDownloadView(ReadingView):
    """All entries that the filters of a list select, on all its pages. Exists only where people sign in."""

    name = "Download"
    renderer_classes = TimesheetListView.renderer_classes
    page_part, page_script = TimesheetListView.page_part, TimesheetListView.page_script

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if not conf.lets_browsers_sign_in():
            raise Http404
        super().initial(request, *args, **kwargs)

    def get(self, request: Request) -> Download:
        options = read_options(request, TimesheetQuery, OF_TIMESHEETS)
        try:
            return start_download(request, write_download(options.reach, settle(options.query)), "timesheets")
        except NotSettled:
            raise UnsettledState from None


class TotalsDownloadView(TimesheetDownloadView):
    """All sums of a report."""

    page_part = TotalsView.page_part

    def get(self, request: Request) -> Download:
        sums = add_up_for_request(request)
        rows = ((*group.names, group.entries, group.hours) for group in sums.shown["groups"])
        return start_download(request, write_rows(sums.columns, rows), "report")
