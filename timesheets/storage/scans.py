"""Read a page of rows, of any table that has the client and an id. Knows no HTTP.

A page reads a limited number of rows, for a client all of them its own, for every query and whatever the
planner's statistics say: the statements leave the planner only one index.
"""

import bisect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Model

from timesheets.storage.postgresql import DISABLE_SORTING
from timesheets.storage.rows import Reach

# The number of rows that one page may scan. With more, there would be fewer but slower pages.
MAX_SCANNED_ROWS = 50_000
MAX_ID = 2**63 - 1
# Of the scans that one page merges, each of which takes a statement or two.
MAX_SCANS = 10

# PostgreSQL's statistics may be old. If they say that nearly all rows are this client's, the planner would
# scan the primary key, and with it other clients' rows. The array hides that there is a single client, so
# only one index has the rows in order, and the planner may not sort.
_OWNED = {"sqlite": "client_id = %s", "postgresql": "client_id = ANY(ARRAY[%s]::bigint[])"}


class Scan(NamedTuple):
    """Rows in the order of an index: what follows FROM, with parameters, and the columns of the order."""

    source: str
    parameters: Sequence[Any]
    columns: Sequence[str]
    # Read the index backwards.
    newest_first: bool

    @property
    def order(self) -> str:
        return ", ".join(f"{column} DESC" if self.newest_first else column for column in self.columns)

    def select(self, columns: str) -> str:
        """A statement that takes a limit and an offset, too."""
        return f"SELECT {columns} FROM {self.source} ORDER BY {self.order} LIMIT %s OFFSET %s"  # noqa: S608


@dataclass(frozen=True, kw_only=True)
class PageQuery:
    """Selects the page that starts at `from_id`, or at the first match after it in the order."""

    from_id: int | None = None
    # From the highest id down, if the list can have that order.
    newest_first: bool = False

    def bound(self, last_id: int) -> tuple[int, int]:
        """The lowest and the highest id of the page, of those up to `last_id`."""
        if self.from_id is None:
            return 0, last_id
        return (0, min(self.from_id, last_id)) if self.newest_first else (self.from_id, last_id)


# A condition on a row `scanned`, in SQL with parameters.
Condition = tuple[str, Sequence[Any]]


def scan_ids(
    model: type[Model], reach: Reach, first_id: int, last_id: int, *, newest_first: bool = False
) -> tuple[Sequence[Scan], Sequence[Condition]]:
    """The rows in reach between two ids, in order of id: a scan of each client, or one of every client.

    The scanned rows also have to meet the conditions. The model has one index, of the client and the id.
    """
    table, bounds = model._meta.db_table, (first_id, last_id)  # noqa: SLF001  Django documents _meta as its public interface.
    owner_ids = reach.list_owner_ids() if reach.look_ups else None
    if owner_ids is None or len(owner_ids) > MAX_SCANS:
        everything = Scan(f"{table} WHERE id >= %s AND id <= %s", bounds, ("id",), newest_first)
        return [everything], match_any("client_id", owner_ids or ())
    [index] = model._meta.indexes  # noqa: SLF001
    hint = f" INDEXED BY {index.name}" if connection.vendor == "sqlite" else ""
    source = f"{table}{hint} WHERE {_OWNED[connection.vendor]} AND id >= %s AND id <= %s"
    order = ("client_id", "id")
    return [Scan(source, (owner_id, *bounds), order, newest_first) for owner_id in owner_ids], []


def compare(comparison: str, value: Any) -> list[Condition]:
    """The condition that a column compares like this, such as `id =`; none if the value is None."""
    if value is None:
        return []
    prepared = connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
    return [(f"scanned.{comparison} %s", (prepared,))]


def match_any(name: str, values: Sequence[Any]) -> list[Condition]:
    """The condition that the column has one of the values; none if there are no values."""
    if not values:
        return []
    return [(f"scanned.{name} IN ({', '.join(['%s'] * len(values))})", values)]


def read_page(
    model: type[Model],
    scans: Sequence[Scan],
    conditions: Sequence[Condition],
    page_size: int,
    *,
    columns: str = "scanned.*",
    max_scanned: int = MAX_SCANNED_ROWS,
) -> tuple[list[Any], int | None]:
    """The first rows that meet the conditions, and the first id of the next page: None after the last one.

    If there are several scans, they are in order of id.
    """
    # However many scans there are, each reads a row, so that the next page begins later.
    share = max(1, max_scanned // max(1, len(scans)))
    pages = [_read_scan(model, scan, conditions, page_size, columns, share) for scan in scans]
    if len(pages) == 1:
        return pages[0]
    sign = -1 if scans and scans[0].newest_first else 1
    rows = sorted((row for rows, _ in pages for row in rows), key=lambda row: sign * row.pk)
    # What follows the first end of a scan may lack rows of this scan.
    ends = [sign * next_id for _, next_id in pages if next_id is not None]
    count = bisect.bisect_left(rows, min(ends, default=MAX_ID), key=lambda row: sign * row.pk)
    if count > page_size:
        return rows[:page_size], rows[page_size].pk
    return rows[:count], sign * min(ends) if ends else None


def _read_scan(
    model: type[Model],
    scan: Scan,
    conditions: Sequence[Condition],
    page_size: int,
    columns: str,
    max_scanned: int,
) -> tuple[list[Any], int | None]:
    if not conditions:
        max_scanned = page_size + 1
    with sorting_disabled():
        where = " AND ".join(sql for sql, _ in conditions) or "1 = 1"
        values = [value for _, parameters in conditions for value in parameters]
        # The scanned rows are in order. PostgreSQL knows it, but SQLite would read them all and sort them.
        in_order = f"ORDER BY {scan.order}" if connection.vendor == "postgresql" else ""
        statement = f"SELECT {columns} FROM ({scan.select('*')}) AS scanned WHERE {where} {in_order} LIMIT %s"  # noqa: S608
        bounds = (*scan.parameters, max_scanned, 0)
        rows = list(model.objects.raw(statement, [*bounds, *values, page_size + 1]))  # type: ignore[attr-defined]
        if len(rows) > page_size:
            return rows[:page_size], rows[page_size].pk
        if not conditions:
            # Every scanned row is a match, so there are no more.
            return rows, None
        with connection.cursor() as cursor:
            cursor.execute(scan.select("id"), [*scan.parameters, 1, max_scanned])
            after_scan = cursor.fetchone()
        return rows, after_scan and int(after_scan[0])


@contextmanager
def sorting_disabled() -> Iterator[None]:
    """Restrict PostgreSQL's planner to indexes that have the rows in order."""
    if connection.vendor != "postgresql":
        # In SQLite, a transaction would block writers.
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(DISABLE_SORTING)
        yield
