"""Write the entries that a query selects as one file for spreadsheets. Knows no HTTP."""

import dataclasses
from collections.abc import Iterator

from django.db import close_old_connections

from timesheets import conf
from timesheets.formats.spreadsheets import write_csv
from timesheets.storage.high_water_mark import find_high_water_mark
from timesheets.storage.queries import StoredEntry, TimesheetQuery, list_timesheets
from timesheets.storage.verdicts import State
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
    rows = map(_read_values, _read_entries(client, query))
    return (piece.encode() for piece in write_csv(COLUMNS, rows, conf.time_zone()))


def _read_entries(client: MachineClient, query: TimesheetQuery) -> Iterator[StoredEntry]:
    while True:
        page = list_timesheets(client, query, _PAGE_SIZE)
        # The reader may be slow, and others need the connection.
        close_old_connections()
        yield from page.timesheets
        if page.next_id is None:
            return
        query = dataclasses.replace(query, from_id=page.next_id)


def _read_values(stored: StoredEntry) -> tuple[object, ...]:
    entry = stored.entry
    return (
        stored.timesheet_id,
        entry.user_id,
        entry.date.astimezone(conf.time_zone()).date(),
        entry.project,
        entry.hours,
        entry.hours if stored.state is State.CURRENT else 0,
        stored.state,
        entry.entry_id,
        entry.revision,
        entry.reason,
        entry.date,
        stored.received_at,
    )
