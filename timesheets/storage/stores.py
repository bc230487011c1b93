"""Add rows in one statement, each client's `entry_id` once, and find those there: SQLite and PostgreSQL."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from timesheets.models import Timesheet
from timesheets.storage.entries import Entry
from timesheets.storage.high_water_mark import ANNOUNCE_UPLOAD

TABLE = Timesheet._meta.db_table  # noqa: SLF001  Django documents _meta as its public interface.
CONTENT_COLUMNS = ("user_id", "date", "project", "hours", "entry_id")
# SQLite limits the parameters of a statement.
_CHUNK_SIZE = 1000
# For a statement that has its rows in the order of the one index that it may use. What PostgreSQL's planner
# believes of a table can be old, or nothing; it would go through a client's rows by another index and sort
# them. The settings last until the transaction ends.
DISABLE_SORTING = (
    "SELECT set_config('enable_sort', 'off', true), set_config('enable_incremental_sort', 'off', true)"
)
COLUMNS = ("client_id", "entry_id", "user_id", "date", "project", "hours", "received_at", "subject")


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Whose entries they are, on whose behalf they came, and when."""

    client_id: int
    subject: str | None
    received_at: datetime


def insert_new(provenance: Provenance, entries: Sequence[Entry]) -> list[int | None]:
    """Insert the entries whose `entry_id` the client has not used, in the transaction under way.

    Returns the new row's id for each, None for one whose `entry_id` was there already. No `entry_id`
    may come twice among `entries`.
    """
    return _INSERTS[connection.vendor](provenance, entries)


def _insert_in_sqlite(provenance: Provenance, entries: Sequence[Entry]) -> list[int | None]:
    """There is one writer at a time, so the rows above the highest id are ours, in the order of insertion."""
    received_at = _to_sqlite_timestamp(provenance.received_at)
    rows = [
        (
            provenance.client_id,
            entry.entry_id,
            entry.user_id,
            _to_sqlite_timestamp(entry.date),
            entry.project,
            str(entry.hours),
            received_at,
            provenance.subject,
        )
        for entry in entries
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COALESCE(MAX(id), 0) FROM {TABLE}")  # noqa: S608
        [highest] = cursor.fetchone()
        cursor.executemany(
            f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))}) "  # noqa: S608
            "ON CONFLICT (client_id, entry_id) DO NOTHING",
            rows,
        )
        cursor.execute(f"SELECT id, entry_id FROM {TABLE} WHERE id > %s ORDER BY id", [highest])  # noqa: S608
        inserted = cursor.fetchall()
    return _match_in_order(entries, inserted)


def _to_sqlite_timestamp(date: datetime) -> str:
    """A moment as Django keeps it in SQLite: in UTC, without a zone."""
    return str(date.astimezone(UTC).replace(tzinfo=None))


def _match_in_order(entries: Sequence[Entry], inserted: Sequence[tuple[int, str | None]]) -> list[int | None]:
    """Go along both: an entry has the next row if that has its `entry_id`, and else it was left out."""
    ids: list[int | None] = []
    remaining = iter(inserted)
    row = next(remaining, None)
    for entry in entries:
        if row is not None and row[1] == entry.entry_id:
            ids.append(row[0])
            row = next(remaining, None)
        else:
            ids.append(None)
    return ids


def _insert_in_postgresql(provenance: Provenance, entries: Sequence[Entry]) -> list[int | None]:
    """One statement for those with an `entry_id`, whose rows are known by it; one for those without.

    Keys are inserted in their order, or two batches with the same ones in another order wait for each
    other for ever.
    """
    keyed = [entry for entry in entries if entry.entry_id is not None]
    keyless = [entry for entry in entries if entry.entry_id is None]
    inserted = dict(_insert_from_arrays(provenance, keyed, order="entry_id", returning="entry_id, id"))
    # Rows are inserted and returned in the order of the query that they come from.
    ids_of_keyless = (row_id for (row_id,) in _insert_from_arrays(provenance, keyless, "position", "id"))
    return [
        next(ids_of_keyless) if entry.entry_id is None else inserted.get(entry.entry_id) for entry in entries
    ]


def _insert_from_arrays(
    provenance: Provenance, entries: Sequence[Entry], order: str, returning: str
) -> list[Any]:
    if not entries:
        return []
    columns = ", ".join(COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH announced AS MATERIALIZED ({ANNOUNCE_UPLOAD}) INSERT INTO {TABLE} ({columns}) "  # noqa: S608
            "SELECT %s, entry_id, user_id, date, project, hours, %s, %s FROM announced, unnest("
            "%s::varchar[], %s::varchar[], %s::timestamptz[], %s::varchar[], %s::numeric[]"
            ") WITH ORDINALITY AS sent (entry_id, user_id, date, project, hours, position) "
            f"ORDER BY {order} ON CONFLICT (client_id, entry_id) DO NOTHING RETURNING {returning}",
            [
                provenance.client_id,
                provenance.received_at,
                provenance.subject,
                [entry.entry_id for entry in entries],
                [entry.user_id for entry in entries],
                [entry.date for entry in entries],
                [entry.project for entry in entries],
                [entry.hours for entry in entries],
            ],
        )
        return list(cursor.fetchall())


_INSERTS: Mapping[str, Callable[[Provenance, Sequence[Entry]], list[int | None]]] = {
    "sqlite": _insert_in_sqlite,
    "postgresql": _insert_in_postgresql,
}


def find_existing(client_id: int, entry_ids: Sequence[str]) -> Iterator[tuple[str, tuple[int, Entry]]]:
    """For each of these ids that the client has used already: the id, and the row that stands for it.

    Reads within the transaction under way.
    """
    for row_id, *content in _SELECTS[connection.vendor](client_id, entry_ids):
        entry = Entry(**dict(zip(CONTENT_COLUMNS, content, strict=True)))
        yield str(entry.entry_id), (row_id, entry)


def _select_in_sqlite(client_id: int, entry_ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    for start in range(0, len(entry_ids), _CHUNK_SIZE):
        chunk = entry_ids[start : start + _CHUNK_SIZE]
        rows = Timesheet.objects.filter(client_id=client_id, entry_id__in=chunk)
        yield from rows.values_list("id", *CONTENT_COLUMNS)


def _select_in_postgresql(client_id: int, entry_ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Each by the unique index, whatever the planner believes: no other has the rows in this order."""
    with connection.cursor() as cursor:
        cursor.execute(DISABLE_SORTING)
        cursor.execute(
            "SELECT found.* FROM unnest(%s::varchar[]) AS sent (entry_id), LATERAL ("  # noqa: S608
            f"SELECT id, {', '.join(CONTENT_COLUMNS)} FROM {TABLE} "
            "WHERE (client_id, entry_id) >= (%s, sent.entry_id) "
            "AND (client_id, entry_id) <= (%s, sent.entry_id) "
            "ORDER BY client_id, entry_id LIMIT 1) AS found",
            [list(entry_ids), client_id, client_id],
        )
        yield from cursor.fetchall()


_SELECTS: Mapping[str, Callable[[int, Sequence[str]], Iterator[tuple[Any, ...]]]] = {
    "sqlite": _select_in_sqlite,
    "postgresql": _select_in_postgresql,
}
