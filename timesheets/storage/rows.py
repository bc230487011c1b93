"""The rows of the timesheets table: their columns, and where they come from."""

from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from timesheets.models import Client, Timesheet

TABLE = Timesheet._meta.db_table  # noqa: SLF001  Django documents _meta as its public interface.
CLIENT_TABLE = Client._meta.db_table  # noqa: SLF001
CONTENT_COLUMNS = ("user_id", "date", "project", "hours", "entry_id")
COLUMNS = ("client_id", "received_at", "subject", *CONTENT_COLUMNS)
read_content = attrgetter(*CONTENT_COLUMNS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """The client that entries come from, the user it acts for, and when they arrived."""

    client_id: int
    subject: str | None
    received_at: datetime
