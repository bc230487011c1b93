"""The rows of the timesheets table: their columns, and where they come from."""

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
