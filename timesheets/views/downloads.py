"""Download what a list shows on all its pages as one file for spreadsheets: parse, call, respond."""

import dataclasses
import itertools
import logging
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from operator import attrgetter
from typing import Any, TypeVar, cast

from django.db import close_old_connections
from django.http import Http404, StreamingHttpResponse
from django.utils import timezone
from rest_framework.request import Request

from timesheets import conf
from timesheets.exceptions import Overloaded, UnsettledState
from timesheets.formats.spreadsheets import write_csv
from timesheets.storage.high_water_mark import find_high_water_mark
from timesheets.storage.places import NoPlace, Places
from timesheets.storage.queries import NotSettled, StoredEntry, TimesheetQuery, list_timesheets
from timesheets.storage.rows import Reach
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
# Level 1 keeps up with the database. A window of 31 bits means gzip.
_ZIP_LEVEL, _GZIP = 1, 31
# The head of a block of the reserved type (RFC 1951, section 3.2.3), long enough to be read before the end.
_INVALID_BLOCK = b"\x06" * 16
_PAGE_SIZE = 1000

COLUMNS: Mapping[str, Callable[[StoredEntry], object]] = {
    "id": attrgetter("timesheet_id"),
    "user_id": attrgetter("entry.user_id"),
    "day": lambda stored: stored.entry.date.astimezone(conf.time_zone()).date(),
    "project": attrgetter("entry.project"),
    "hours": attrgetter("entry.hours"),
    # Can be added up: a correction superseded or withdrew the other hours.
    "hours_counted": lambda stored: stored.entry.hours if stored.state == "current" else 0,
    "state": attrgetter("state"),
    "entry_id": attrgetter("entry.entry_id"),
    "revision": attrgetter("entry.revision"),
    "reason": attrgetter("entry.reason"),
    "date": attrgetter("entry.date"),
    "received_at": attrgetter("received_at"),
}
_OWNER_COLUMNS: Mapping[str, Callable[[StoredEntry], object]] = {
    "client": attrgetter("owner.client_id"),
    "organization": attrgetter("owner.organization"),
}

Row = TypeVar("Row")
_places = Places(lambda own, held: own < MAX_DOWNLOADS_OF_A_CLIENT and held < MAX_DOWNLOADS)


class Download(StreamingHttpResponse):
    """The rows as a zipped file for spreadsheets. It holds a place until it is sent or its reader is gone.

    Raises Overloaded, and what the first rows raise.
    """

    def __init__(
        self, request: Request, name: str, columns: Iterable[str], rows: Iterable[Iterable[object]]
    ) -> None:
        pieces = write_csv([*columns], rows, conf.time_zone())
        with ExitStack() as place:
            try:
                place.enter_context(_places.take(cast("MachineClient", request.user).caller))
            except NoPlace:
                raise Overloaded(
                    "Too many downloads run at the same time. Start this one again in a moment."
                ) from None
            # What fails at once is a problem, and no file.
            whole = itertools.chain([next(pieces)], pieces)
            file = f"{name}-{timezone.localdate(timezone=conf.time_zone())}.csv"
            super().__init__(
                _zip(whole),
                content_type="text/csv; charset=utf-8",
                headers={"Content-Encoding": "gzip", "Content-Disposition": f'attachment; filename="{file}"'},
            )
            self._place = place.pop_all()

    def close(self) -> None:
        self._place.close()
        super().close()


def _zip(pieces: Iterable[str]) -> Iterator[bytes]:
    """The pieces as gzip, which ends broken if a piece fails.

    granian ends a response in order even if the application fails, so half a file would look complete.
    """
    compressor = zlib.compressobj(_ZIP_LEVEL, wbits=_GZIP)
    try:
        for piece in pieces:
            yield compressor.compress(piece.encode()) + compressor.flush(zlib.Z_SYNC_FLUSH)
    except Exception:
        logger.exception("A download failed while it was sent")
        yield _INVALID_BLOCK
    else:
        yield compressor.flush()


def let_others_connect(pages: Iterable[Iterable[Row]]) -> Iterator[Row]:
    """The rows of the pages, without a connection while a reader, who may be slow, takes them."""
    for rows in pages:
        close_old_connections()
        yield from rows


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
        columns = {**COLUMNS, **(_OWNER_COLUMNS if options.reach.is_everything else {})}
        entries = let_others_connect(_read_pages(options.reach, options.query))
        rows = ([read(stored) for read in columns.values()] for stored in entries)
        try:
            return Download(request, "timesheets", columns, rows)
        except NotSettled:
            raise UnsettledState from None


def _read_pages(reach: Reach, query: TimesheetQuery) -> Iterator[Sequence[StoredEntry]]:
    """All pages of one state that never changes: the present one, unless the query names another."""
    if query.as_of is None:
        # 0 if there are no entries. It is no state that a query can name.
        query = dataclasses.replace(query, as_of=find_high_water_mark() or None)
    while True:
        page = list_timesheets(reach, query, _PAGE_SIZE)
        yield page.timesheets
        if page.next_id is None:
            return
        query = dataclasses.replace(query, from_id=page.next_id)


class TotalsDownloadView(TimesheetDownloadView):
    """All sums of a report."""

    page_part = TotalsView.page_part

    def get(self, request: Request) -> Download:
        sums = add_up_for_request(request)
        rows = ((*group.names, group.entries, group.hours) for group in sums.shown["groups"])
        return Download(request, "report", sums.columns, rows)
