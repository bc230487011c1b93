"""The rows of the timesheets table: their columns, whose they are, who may read them, which ones count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from timesheets.models import Client, Timesheet, Upload
from timesheets.storage.entries import Entry, Verdict
from timesheets.storage.gate import Gate
from timesheets.trust.principals import ClientKey

TABLE = Timesheet._meta.db_table  # noqa: SLF001  Django documents _meta as its public interface.
CLIENT_TABLE = Client._meta.db_table  # noqa: SLF001
CONTENT_COLUMNS = ("user_id", "date", "project", "hours", "entry_id")
# Of a correction. For other entries, the database's defaults hold.
REVISION_COLUMNS = ("revision", "reason")
ORIGIN_COLUMNS = ("client_id", "received_at", "subject", "upload_id")
COLUMNS = (*ORIGIN_COLUMNS, *CONTENT_COLUMNS)
read_content = attrgetter(*CONTENT_COLUMNS)

SELECT_OWNER = (
    f"SELECT id FROM {CLIENT_TABLE} "  # noqa: S608
    "WHERE issuer = %s AND client_id = %s AND organization = %s"
)


class Provenance(NamedTuple):
    """The client that entries come from, when they arrived, the user it acts for, and in which upload.

    `gate` judges what they would add; None if the client may add everything.
    """

    client_id: int
    received_at: datetime
    subject: str | None
    upload_id: int | None
    gate: Gate | None

    def refuse(self, entry: Entry, before: Entry | None = None) -> Verdict | None:
        """The verdict of an entry that the client may not add."""
        return None if self.gate is None else self.gate.refuse(entry, before)


Row = TypeVar("Row", Timesheet, Upload)


def to_key(row: Client) -> ClientKey:
    return ClientKey(row.issuer, row.client_id, row.organization)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """The rows of one client, or of every client."""

    # None: every client's.
    own: ClientKey | None
    # Of every client's rows, only those of these client ids, with all their organizations. Empty: all.
    client_ids: Sequence[str] = ()

    @property
    def is_everything(self) -> bool:
        """Whether rows of several clients can be among them, so that each row has to say whose it is."""
        return self.own is None

    @property
    def look_ups(self) -> Mapping[str, Any]:
        """The filter for the clients' names; empty if every client's rows are in reach."""
        if self.own is not None:
            return self.own._asdict()
        return {"client_id__in": self.client_ids} if self.client_ids else {}

    def select_clients(self) -> QuerySet[Client]:
        """The clients that have uploaded something, and whose rows these are."""
        return Client.objects.filter(**self.look_ups)

    def limit(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """Those in reach. A list of clients would lead SQLite through an index, to each row alone."""
        return rows.filter(**{f"client__{name}": value for name, value in self.look_ups.items()})

    def list_owner_ids(self) -> list[int]:
        """The primary keys of these clients."""
        return list(self.select_clients().values_list("pk", flat=True))

    def find_owner(self, row: Timesheet | Upload) -> ClientKey | None:
        """Whose row this is; None if only one client's are in reach."""
        return to_key(row.client) if self.is_everything else None


def find_owner(client: ClientKey) -> int | None:
    """The primary key of the client's row; None if it has not uploaded anything."""
    with connection.cursor() as cursor:
        cursor.execute(SELECT_OWNER, client)
        row = cursor.fetchone()
    return None if row is None else int(row[0])


def find_or_create_owner(client: ClientKey) -> int:
    """The primary key of the client's row. Do not keep it: after a restore, it may be another client's."""
    owner_id = find_owner(client)
    return Client.objects.get_or_create(**client._asdict())[0].pk if owner_id is None else owner_id


# Of the next revisions of a row. The database can look for one in an index, or read those few that are not
# the first. Revisions have no gaps.
_next = Timesheet.objects.filter(
    client=OuterRef("client"),
    entry_id=OuterRef("entry_id"),
    revision=OuterRef("revision") + 1,
    revision__gt=1,
)
# The condition that the hours of a row count.
IS_CURRENT = ~Q(Exists(_next)) & ~Q(hours=0)
