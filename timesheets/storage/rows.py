"""The rows of the timesheets table: their columns, and whose they are."""

from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from django.db import connection

from timesheets.models import Client, Timesheet

TABLE = Timesheet._meta.db_table  # noqa: SLF001  Django documents _meta as its public interface.
CLIENT_TABLE = Client._meta.db_table  # noqa: SLF001
CONTENT_COLUMNS = ("user_id", "date", "project", "hours", "entry_id")
# Of a correction. For other entries, the database's defaults hold.
REVISION_COLUMNS = ("revision", "reason")
ORIGIN_COLUMNS = ("client_id", "received_at", "subject", "upload_id")
COLUMNS = (*ORIGIN_COLUMNS, *CONTENT_COLUMNS)
read_content = attrgetter(*CONTENT_COLUMNS)

SELECT_OWNER = f"SELECT id FROM {CLIENT_TABLE} WHERE issuer = %s AND client_id = %s"  # noqa: S608


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """The client that entries come from, the user it acts for, when they arrived, and in which upload."""

    client_id: int
    subject: str | None
    received_at: datetime
    upload_id: int | None = None


def find_owner(issuer: str, client_id: str) -> int | None:
    """The key of the client's row; None if it has not uploaded anything."""
    with connection.cursor() as cursor:
        cursor.execute(SELECT_OWNER, [issuer, client_id])
        row = cursor.fetchone()
    return None if row is None else int(row[0])


def find_or_create_owner(issuer: str, client_id: str) -> int:
    """The key of the client's row. Do not keep it: after a restore, it may be another client's."""
    owner_id = find_owner(issuer, client_id)
    if owner_id is not None:
        return owner_id
    owner, _ = Client.objects.get_or_create(issuer=issuer, client_id=client_id)
    return int(owner.pk)
