"""The rows of the timesheets table: their columns, where they come from, and how revisions are found."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from timesheets.models import Client, Timesheet

TABLE = Timesheet._meta.db_table  # noqa: SLF001  Django documents _meta as its public interface.
CLIENT_TABLE = Client._meta.db_table  # noqa: SLF001
CONTENT_COLUMNS = ("user_id", "date", "project", "hours", "entry_id")
# Of a correction. For other entries, the database's defaults hold.
REVISION_COLUMNS = ("revision", "reason")
ORIGIN_COLUMNS = ("client_id", "received_at", "subject", "upload_id")
COLUMNS = (*ORIGIN_COLUMNS, *CONTENT_COLUMNS)
read_content = attrgetter(*CONTENT_COLUMNS)

MAX_REVISION = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """The client that entries come from, the user it acts for, when they arrived, and in which upload."""

    client_id: int
    subject: str | None
    received_at: datetime
    upload_id: int | None = None


def select_older(value: Callable[[str], str]) -> str:
    """Select the row of the sent revision, or without one the newest row that has the sent content.

    `value` writes a value of the sent entry, or `last_revision`, the last revision that counts. The columns
    are the id, whether the row equals the entry, and the id of the next revision. Only the unique index has
    revisions in order.
    """
    content = " AND ".join(f"{name} = {value(name)}" for name in CONTENT_COLUMNS[:-1])
    key = f"client_id = {value('client_id')} AND entry_id = {value('entry_id')}"
    later = f"SELECT id FROM {TABLE} AS later WHERE {key} AND later.revision > older.revision"  # noqa: S608
    return (
        f"SELECT id, {content} AND COALESCE(reason, '') = COALESCE({value('reason')}, '') AS is_equal, "  # noqa: S608
        f"({later} ORDER BY later.revision LIMIT 1) AS next_id FROM {TABLE} AS older WHERE {key} "
        f"AND revision <= COALESCE({value('revision')}, {value('last_revision')}) "
        f"AND ({value('revision')} IS NOT NULL OR ({content})) ORDER BY revision DESC LIMIT 1"
    )
