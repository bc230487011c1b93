"""Write the entries that a query selects as one file for spreadsheets. Knows no HTTP."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import TypeVar

from django.db import close_old_connections

from timesheets import conf
from timesheets.formats.spreadsheets import write_csv
from timesheets.storage.high_water_mark import find_high_water_mark
from timesheets.storage.queries import StoredEntry, TimesheetQuery, list_timesheets
from timesheets.storage.rows import Reach
from timesheets.storage.verdicts import State

COLUMNS: Mapping[str, Callable[[StoredEntry], object]] = {
    "id": attrgetter("timesheet_id"),
    "user_id": attrgetter("entry.user_id"),
    "day": lambda stored: stored.entry.date.astimezone(conf.time_zone()).date(),
    "project": attrgetter("entry.project"),
    "hours": attrgetter("entry.hours"),
    # Can be added up: a correction superseded or withdrew the other hours.
    "hours_counted": lambda stored: stored.entry.hours if stored.state is State.CURRENT else 0,
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
_PAGE_SIZE = 1000
Row = TypeVar("Row")


def settle(query: TimesheetQuery) -> TimesheetQuery:
    """The same query of a state that never changes: the present one, unless it names another one."""
    if query.as_of is not None:
        return query
    # 0 if there are no entries. It is no state that a query can name.
    return dataclasses.replace(query, as_of=find_high_water_mark() or None)


def write_download(reach: Reach, query: TimesheetQuery) -> Iterator[bytes]:
    """The file, piece by piece. A settled query gets the same bytes each time. Raises NotSettled."""
    columns = {**COLUMNS, **_OWNER_COLUMNS} if reach.is_everything else COLUMNS
    entries = let_others_connect(_read_pages(reach, query))
    return write_rows([*columns], ([read(stored) for read in columns.values()] for stored in entries))


def write_rows(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[bytes]:
    """The rows as a file for spreadsheets, piece by piece."""
    return (piece.encode() for piece in write_csv(columns, rows, conf.time_zone()))


def let_others_connect(pages: Iterable[Iterable[Row]]) -> Iterator[Row]:
    """The rows of the pages, without a connection while a reader, who may be slow, takes them."""
    for rows in pages:
        close_old_connections()
        yield from rows


def _read_pages(reach: Reach, query: TimesheetQuery) -> Iterator[Sequence[StoredEntry]]:
    while True:
        page = list_timesheets(reach, query, _PAGE_SIZE)
        yield page.timesheets
        if page.next_id is None:
            return
        query = dataclasses.replace(query, from_id=page.next_id)
