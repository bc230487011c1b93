"""Whose rows a request may read. Knows no HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from timesheets.models import Client, Timesheet, Upload
from timesheets.storage.rows import to_key
from timesheets.trust.principals import ClientKey


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

    def list_owner_ids(self) -> list[int]:
        """The primary keys of these clients."""
        return list(self.select_clients().values_list("pk", flat=True))

    def find_owner(self, row: Timesheet | Upload) -> ClientKey | None:
        """Whose row this is; None if only one client's are in reach."""
        return to_key(row.client) if self.is_everything else None
