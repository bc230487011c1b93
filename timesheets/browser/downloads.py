"""Write the entries that a query selects as one file for spreadsheets. Knows no HTTP."""

import dataclasses
from collections.abc import Iterator
from datetime import datetime

from django.db import close_old_connections

from timesheets import conf
from timesheets.formats.spreadsheets import write_csv
from timesheets.storage.high_water_mark import find_high_water_mark
from timesheets.storage.queries import StoredEntry, TimesheetQuery, list_timesheets
from timesheets.storage.states import State
from timesheets.trust.principals import MachineClient

# `hours_counted` can be added up: it is 0 where a correction superseded or withdrew the hours.
COLUMNS = (
    "id",
    "user_id",
    "day",
    "project",
    "hours",
    "hours_counted",
    "state",
    "entry_id",
    "revision",
    "reason",
    "date",
    "received_at",
)
_PAGE_SIZE = 1000


def settle(query: TimesheetQuery) -> TimesheetQuery:
    """The same query of a state that never changes: the present one, unless it names another one."""
    if query.as_of is not None:
        return query
    # 0 if there are no entries. It is no state that a query can name.
    return dataclasses.replace(query, as_of=find_high_water_mark() or None)


def write_download(client: MachineClient, query: TimesheetQuery) -> Iterator[bytes]:
    """The file, piece by piece. A settled query gets the same bytes each time. Raises NotSettled."""
    rows = (_write_row(stored) for stored in _read_entries(client, query))
    return (piece.encode() for piece in write_csv(COLUMNS, rows))


def _read_entries(client: MachineClient, query: TimesheetQuery) -> Iterator[StoredEntry]:
    while True:
        page = list_timesheets(client, query, _PAGE_SIZE)
        # The reader may be slow, and others need the connection.
        close_old_connections()
        yield from page.timesheets
        if page.next_id is None:
            return
        query = dataclasses.replace(query, from_id=page.next_id)


def _write_row(stored: StoredEntry) -> list[str]:
    entry = stored.entry
    date = entry.date.astimezone(conf.time_zone())
    return [
        str(stored.timesheet_id),
        entry.user_id,
        date.date().isoformat(),
        entry.project,
        str(entry.hours),
        str(entry.hours) if stored.state is State.CURRENT else "0",
        stored.state,
        entry.entry_id or "",
        str(entry.revision),
        entry.reason or "",
        date.isoformat(),
        _write_moment(stored.received_at),
    ]


def _write_moment(moment: datetime) -> str:
    return moment.astimezone(conf.time_zone()).isoformat()
