"""Read a client's timesheets: one of them, or a page at a time. Knows the database; knows no HTTP.

A page reads a limited number of rows, all of them the client's, for every query and whatever the planner's
statistics say: the statements leave the planner only one index.
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
from timesheets.storage.postgresql import DISABLE_SORTING
from timesheets.storage.rows import CONTENT_COLUMNS, TABLE
from timesheets.trust.principals import MachineClient

# The number of a client's rows that one page may scan. With more, there would be fewer but slower pages.
MAX_SCANNED_ROWS = 50_000

_COLUMNS = ", ".join(("client_id", "id", "received_at", *CONTENT_COLUMNS))
# PostgreSQL's statistics may be old. If they say that nearly all rows are this client's, the planner would
# scan the primary key, and with it other clients' rows. The array hides that there is a single client, so
# only one index has the rows in order, and the planner may not sort.
_OWNED = {"sqlite": "client_id = %s", "postgresql": "client_id = ANY(ARRAY[%s]::bigint[])"}
# The scanned rows are in order. PostgreSQL knows it, but SQLite would read the whole window and sort it.
_IN_ORDER = {"sqlite": "", "postgresql": "ORDER BY client_id, id"}
_TABLE_BY_ID = {"sqlite": f"{TABLE} INDEXED BY timesheet_of_client", "postgresql": TABLE}


@dataclass(frozen=True, kw_only=True, slots=True)
class TimesheetQuery:
    """Selects those of the client's timesheets that meet every condition that is not None."""

    user_id: str | None = None
    project: str | None = None
    date_from: datetime | None = None
    # Exclusive, unlike the others.
    date_to: datetime | None = None
    received_since: datetime | None = None
    entry_id: str | None = None
    # The page starts at the first match with this id or a higher one.
    from_id: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEntry:
    timesheet_id: int
    entry: Entry
    received_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class TimesheetPage:
    """Matches in order of id, and the `from_id` of the next page: None after the last one.

    A page whose scan ended early may have fewer matches than the page size, or none, and still a next page.
    """

    timesheets: Sequence[StoredEntry]
    next_id: int | None


def find_timesheet(client: MachineClient, timesheet_id: int) -> StoredEntry | None:
    """The timesheet with this id; None if there is none or if it belongs to another client."""
    owned = Timesheet.objects.filter(client__issuer=client.issuer, client__client_id=client.client_id)
    row = owned.filter(pk=timesheet_id).first()
    return None if row is None else _to_stored_entry(row)


def list_timesheets(
    client: MachineClient, query: TimesheetQuery, page_size: int, *, max_scanned: int = MAX_SCANNED_ROWS
) -> TimesheetPage:
    """At most `page_size` of the client's timesheets that match.

    A caller that follows each `next_id`, and later requests the last page again, misses no timesheet, even
    during uploads. A query for an `entry_id` finds it as soon as it is committed.
    """
    owner = Client.objects.filter(issuer=client.issuer, client_id=client.client_id).first()
    if owner is None:
        return TimesheetPage(timesheets=(), next_id=None)
    with _sorting_disabled():
        if query.entry_id is not None:
            return _find_by_entry_id(owner.pk, query)
        return _find_page(owner.pk, query, page_size, max_scanned)


def _find_by_entry_id(owner_id: int, query: TimesheetQuery) -> TimesheetPage:
    scanned = (
        f"SELECT {_COLUMNS} FROM {TABLE} WHERE {_OWNED[connection.vendor]} "  # noqa: S608
        "AND entry_id BETWEEN %s AND %s ORDER BY client_id, entry_id LIMIT 1"
    )
    conditions = [("id", ">=", query.from_id), *_list_conditions(query)]
    rows = _filter_rows(scanned, (owner_id, query.entry_id, query.entry_id), conditions, limit=1)
    return TimesheetPage(timesheets=tuple(map(_to_stored_entry, rows)), next_id=None)


def _find_page(owner_id: int, query: TimesheetQuery, page_size: int, max_scanned: int) -> TimesheetPage:
    conditions = _list_conditions(query)
    if not conditions:
        max_scanned = page_size + 1
    # Rows that are added from now on belong to a later page, so both statements see the same rows.
    bounds = (owner_id, query.from_id, find_high_water_mark())
    rows = _filter_rows(_select_range(), (*bounds, max_scanned, 0), conditions, limit=page_size + 1)
    next_id = rows[page_size].pk if len(rows) > page_size else _find_next_id(bounds, max_scanned)
    return TimesheetPage(timesheets=tuple(map(_to_stored_entry, rows[:page_size])), next_id=next_id)


@contextmanager
def _sorting_disabled() -> Iterator[None]:
    """Restrict PostgreSQL's planner to indexes that have the rows in order."""
    if connection.vendor != "postgresql":
        # In SQLite, a transaction would block writers.
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(DISABLE_SORTING)
        yield


def _select_range() -> str:
    """Select a client's rows between two ids, in order, with a limit and an offset."""
    return (
        f"SELECT {_COLUMNS} FROM {_TABLE_BY_ID[connection.vendor]} "  # noqa: S608
        f"WHERE {_OWNED[connection.vendor]} AND id >= %s AND id <= %s "
        "ORDER BY client_id, id LIMIT %s OFFSET %s"
    )


def _list_conditions(query: TimesheetQuery) -> list[tuple[str, str, Any]]:
    """The conditions that a row must meet: column, operator and value."""
    conditions = [
        ("user_id", "=", query.user_id),
        ("project", "=", query.project),
        ("date", ">=", query.date_from),
        ("date", "<", query.date_to),
        ("received_at", ">=", query.received_since),
    ]
    return [condition for condition in conditions if condition[2] is not None]


def _filter_rows(
    scanned: str, parameters: Sequence[Any], conditions: Sequence[tuple[str, str, Any]], *, limit: int
) -> Sequence[Timesheet]:
    """The first rows of the subquery `scanned` that meet the conditions."""
    where = " AND ".join(f"{column} {operator} %s" for column, operator, _ in conditions) or "1 = 1"
    fields = {field.name: field for field in Timesheet._meta.fields}  # noqa: SLF001
    values = [fields[column].get_db_prep_value(value, connection) for column, _, value in conditions]
    in_order = _IN_ORDER[connection.vendor]
    statement = f"SELECT * FROM ({scanned}) AS scanned WHERE {where} {in_order} LIMIT %s"  # noqa: S608
    return list(Timesheet.objects.raw(statement, [*parameters, *values, limit]))


def _find_next_id(bounds: Sequence[int], max_scanned: int) -> int | None:
    """The first id after the scanned rows."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM ({_select_range()}) AS scanned", [*bounds, 1, max_scanned])  # noqa: S608
        row = cursor.fetchone()
    return None if row is None else int(row[0])


def _to_stored_entry(row: Timesheet) -> StoredEntry:
    entry = Entry(**{name: getattr(row, name) for name in CONTENT_COLUMNS})
    return StoredEntry(timesheet_id=row.pk, entry=entry, received_at=row.received_at)
