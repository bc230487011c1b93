"""Parts of the statements that add up what is current, by periods of a time zone."""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.db import connection

from timesheets.formats.days import name_week
from timesheets.storage.rows import TABLE

# That the row `scanned` is the last revision, as of an id. Few rows are not the first one of their entry, so
# PostgreSQL reads those once.
IS_LAST = f"""NOT EXISTS (
    SELECT 1 FROM {TABLE} AS later WHERE later.client_id = scanned.client_id
    AND later.entry_id = scanned.entry_id AND later.revision = scanned.revision + 1
    AND later.revision > 1 AND later.id <= {{as_of}}
)"""  # noqa: S608


def name_period(date: str, zone: str, period: str) -> str:
    """The day, week or month of a time in UTC, as SQLite stores it."""
    return _name_minute(date[: len("2017-05-10 17:40")], zone, period) or _name(date, zone, period)


# A month has fewer minutes.
@lru_cache(maxsize=100_000)
def _name_minute(minute: str, zone: str, period: str) -> str | None:
    """The period that all of the minute is in."""
    first, last = (_name(f"{minute}:{second}", zone, period) for second in ("00", "59.999999"))
    return first if first == last else None


def _name(date: str, zone: str, period: str) -> str:
    day = datetime.fromisoformat(date).replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
    return name_week(day) if period == "week" else str(day)[: 7 if period == "month" else None]


def define_periods() -> None:
    """Let SQLite call `name_period`, because it knows no time zones."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        connection.connection.create_function("name_period", 3, name_period, deterministic=True)
