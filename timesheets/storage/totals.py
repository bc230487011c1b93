"""Add up the current entries in reach, by what they have in common: also by periods. Knows no HTTP."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection

from timesheets.formats.days import name_week
from timesheets.storage.high_water_mark import find_high_water_mark
from timesheets.storage.queries import TimesheetQuery, list_conditions, settle
from timesheets.storage.rows import CLIENT_TABLE, TABLE, Reach
from timesheets.storage.scans import match_any

MAX_GROUPS = 10_000
# What entries can have in common, with its columns.
_OF_PERIOD = {"day": "YYYY-MM-DD", "week": 'IYYY-"W"IW', "month": "YYYY-MM"}
_COLUMNS = {
    "user_id": ["scanned.user_id"],
    "project": ["scanned.project"],
    "client": ["owner.client_id", "owner.organization"],
}
KEYS = (*_COLUMNS, *_OF_PERIOD)
# That the row `scanned` is the last revision, as of an id. Few rows are not the first one of their entry, so
# PostgreSQL reads those once.
IS_LAST = f"""NOT EXISTS (
    SELECT 1 FROM {TABLE} AS later WHERE later.client_id = scanned.client_id
    AND later.entry_id = scanned.entry_id AND later.revision = scanned.revision + 1
    AND later.revision > 1 AND later.id <= {{as_of}}
)"""  # noqa: S608


class Group(NamedTuple):
    """The values that some entries share, in the order of the columns, and their totals."""

    names: Sequence[str]
    entries: int
    hours: Decimal


def add_up(
    reach: Reach, query: TimesheetQuery, by: Sequence[str], zone: ZoneInfo
) -> tuple[Sequence[Group], int]:
    """The groups in order of their names, and the id as of which they are. Raises NotSettled.

    `by` has some of KEYS. A client has two names: its id and its organization. If there are more than
    MAX_GROUPS, there is one more.
    """
    as_of = settle(query.as_of, find_high_water_mark())
    columns = [column for name in by for column in _COLUMNS.get(name) or [_select_period(name)]]
    zones = [zone.key] * sum(name in _OF_PERIOD for name in by)
    # No client has the key 0.
    owner_ids = reach.list_owner_ids() or [0] if reach.look_ups else []
    conditions = [*list_conditions(query), *match_any("client_id", owner_ids)]
    where = " AND ".join(["scanned.id <= %s", "hours <> 0", *(sql for sql, _ in conditions)])
    statement = f"""
        SELECT {", ".join(columns)}, COUNT(*), CAST(SUM(ROUND(hours * 100)) AS bigint)
        FROM {TABLE} AS scanned JOIN {CLIENT_TABLE} AS owner ON owner.id = scanned.client_id
        WHERE {where} AND {IS_LAST.format(as_of="%s")}
        GROUP BY {", ".join(str(number + 1) for number in range(len(columns)))} LIMIT {MAX_GROUPS + 1}
    """  # noqa: S608
    # Hours are hundredths, because SQLite would add up fractions.
    values = [value for _, parameters in conditions for value in parameters]
    define_periods()
    with connection.cursor() as cursor:
        cursor.execute(statement, [*zones, as_of, *values, as_of])
        rows = sorted(cursor.fetchall())
    return [Group(names, count, Decimal(hours).scaleb(-2)) for *names, count, hours in rows], as_of


def _select_period(name: str) -> str:
    if connection.vendor == "sqlite":
        return f"name_period(scanned.date, %s, '{name}')"
    return f"to_char(scanned.date AT TIME ZONE %s, '{_OF_PERIOD[name]}')"


# Entries of a day share few times.
@lru_cache(maxsize=100_000)
def name_period(date: str, zone: str, period: str) -> str:
    """The day, week or month of a time in UTC, as SQLite stores it."""
    day = datetime.fromisoformat(date).replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
    return name_week(day) if period == "week" else str(day)[: 7 if period == "month" else None]


def define_periods() -> None:
    """Let SQLite call `name_period`, because it knows no time zones."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        connection.connection.create_function("name_period", 3, name_period, deterministic=True)
