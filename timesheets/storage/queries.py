"""Find what a client has stored, one timesheet or page after page. Knows the database; knows no HTTP.

A page looks at a bounded number of rows, all of them the client's, whatever it asks for and whatever the
database believes of its own contents: it has one index to go by, and no other way.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from timesheets.models import Client, Timesheet
from timesheets.storage.entries import Entry
from timesheets.storage.high_water_mark import find_high_water_mark
from timesheets.storage.stores import CONTENT_COLUMNS, DISABLE_SORTING, TABLE
from timesheets.trust.principals import MachineClient

# How many of a client's rows one page may look at. More would be fewer pages, each of them slower.
MAX_SCANNED_ROWS = 50_000

_COLUMNS = ", ".join(("client_id", "id", "received_at", *CONTENT_COLUMNS))
# What PostgreSQL's planner believes of a table can be old. It would take the primary key where it thinks that
# nearly all rows are this client's, and go through those of others. An array keeps it from seeing that the
# client is always the same one, so that only one index has the rows in order; and it may not sort.
_OWNED = {"sqlite": "client_id = %s", "postgresql": "client_id = ANY(ARRAY[%s]::bigint[])"}
# SQLite's planner is told the index.
_TABLE_BY_ID = {"sqlite": f"{TABLE} INDEXED BY timesheet_of_client", "postgresql": TABLE}


@dataclass(frozen=True, kw_only=True, slots=True)
class TimesheetQuery:
    """Which of the client's timesheets are wanted: those of which all holds that is given."""

    user_id: str | None = None
    project: str | None = None
    date_from: datetime | None = None
    # Exclusive, unlike the others.
    date_to: datetime | None = None
    received_since: datetime | None = None
    entry_id: str | None = None
    # Where the page begins: at this id, or at the next one that matches.
    from_id: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEntry:
    """An entry, the id it is stored under, and when it came."""

    timesheet_id: int
    entry: Entry
    received_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class TimesheetPage:
    """Some of what a query asks for, in order of id, and the `from_id` of the next page, None after the last.

    Where a max_scanned held few that match, it has fewer than were asked for, or none, and still a next one.
    """

    timesheets: Sequence[StoredEntry]
    next_id: int | None


def find_timesheet(client: MachineClient, timesheet_id: int) -> StoredEntry | None:
    """The client's timesheet with this id; None also where it is another's."""
    owned = Timesheet.objects.filter(client__issuer=client.issuer, client__client_id=client.client_id)
    row = owned.filter(pk=timesheet_id).first()
    return None if row is None else _to_stored_entry(row)


def list_timesheets(
    client: MachineClient, query: TimesheetQuery, page_size: int, *, max_scanned: int = MAX_SCANNED_ROWS
) -> TimesheetPage:
    """At most `page_size` of the client's timesheets that match.

    Whoever goes on from each `next_id`, and later asks the last page again, misses none, however many are
    uploaded meanwhile. A query for an `entry_id` finds it as soon as it is committed.
    """
    owner = Client.objects.filter(issuer=client.issuer, client_id=client.client_id).first()
    if owner is None:
        return TimesheetPage(timesheets=(), next_id=None)
    with _sorting_disabled():
        if query.entry_id is not None:
            return _find_by_entry_id(owner.pk, query)
        return _find_page(owner.pk, query, page_size, max_scanned)


def _find_by_entry_id(owner_id: int, query: TimesheetQuery) -> TimesheetPage:
    """The one row there may be, so nothing is before or after it."""
    scanned = (
        f"SELECT {_COLUMNS} FROM {TABLE} WHERE {_OWNED[connection.vendor]} "  # noqa: S608
        "AND entry_id BETWEEN %s AND %s ORDER BY client_id, entry_id LIMIT 1"
    )
    conditions = [("id", ">=", query.from_id), *_build_conditions(query)]
    rows = _run_query(scanned, (owner_id, query.entry_id, query.entry_id), conditions, limit=1)
    return TimesheetPage(timesheets=tuple(map(_to_stored_entry, rows)), next_id=None)


def _find_page(owner_id: int, query: TimesheetQuery, page_size: int, max_scanned: int) -> TimesheetPage:
    conditions = _build_conditions(query)
    if not conditions:
        max_scanned = page_size + 1
    # What is added from here on is for a later page, so both statements see the same rows.
    bounds = (owner_id, query.from_id, find_high_water_mark())
    rows = _run_query(_select_range(), (*bounds, max_scanned, 0), conditions, limit=page_size + 1)
    next_id = rows[page_size].pk if len(rows) > page_size else _find_next_id(bounds, max_scanned)
    return TimesheetPage(timesheets=tuple(map(_to_stored_entry, rows[:page_size])), next_id=next_id)


@contextmanager
def _sorting_disabled() -> Iterator[None]:
    """Leave PostgreSQL's planner no way but an index that has the rows in order already."""
    if connection.vendor != "postgresql":
        # There a transaction would take the one writer's place.
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(DISABLE_SORTING)
        yield


def _select_range() -> str:
    """A client's rows from one id to another, in order: so many, after so many."""
    return (
        f"SELECT {_COLUMNS} FROM {_TABLE_BY_ID[connection.vendor]} "  # noqa: S608
        f"WHERE {_OWNED[connection.vendor]} AND id >= %s AND id <= %s "
        "ORDER BY client_id, id LIMIT %s OFFSET %s"
    )


def _build_conditions(query: TimesheetQuery) -> list[tuple[str, str, Any]]:
    """What has to hold of a row: a column, an operator and a value for each condition."""
    conditions = [
        ("user_id", "=", query.user_id),
        ("project", "=", query.project),
        ("date", ">=", query.date_from),
        ("date", "<", query.date_to),
        ("received_at", ">=", query.received_since),
    ]
    return [condition for condition in conditions if condition[2] is not None]


def _run_query(
    scanned: str, parameters: Sequence[Any], conditions: Sequence[tuple[str, str, Any]], *, limit: int
) -> Sequence[Timesheet]:
    """Of the rows that the inner query looks at, those of which the conditions hold."""
    where = " AND ".join(f"{column} {operator} %s" for column, operator, _ in conditions) or "1 = 1"
    fields = {field.name: field for field in Timesheet._meta.fields}  # noqa: SLF001
    values = [fields[column].get_db_prep_value(value, connection) for column, _, value in conditions]
    return list(
        Timesheet.objects.raw(
            f"SELECT * FROM ({scanned}) AS scanned WHERE {where} ORDER BY client_id, id LIMIT %s",  # noqa: S608
            [*parameters, *values, limit],
        )
    )


def _find_next_id(bounds: Sequence[int], max_scanned: int) -> int | None:
    """The first id that a window did not look at."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM ({_select_range()}) AS scanned", [*bounds, 1, max_scanned])  # noqa: S608
        row = cursor.fetchone()
    return None if row is None else int(row[0])


def _to_stored_entry(row: Timesheet) -> StoredEntry:
    entry = Entry(**{name: getattr(row, name) for name in CONTENT_COLUMNS})
    return StoredEntry(timesheet_id=row.pk, entry=entry, received_at=row.received_at)
