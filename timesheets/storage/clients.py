"""The clients in the database, for the operator: list them, rename them, stop them. Knows no HTTP."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Count, Max

from timesheets.models import AssignmentList, Client, ClientStop
from timesheets.trust.principals import ClientKey


@dataclass(frozen=True, kw_only=True)
class ClientSummary:
    """A client, how many entries it stored, and when it sent the last one; None if it has none."""

    key: ClientKey
    entries: int
    last_received_at: datetime | None


def list_clients() -> Sequence[ClientSummary]:
    rows = Client.objects.annotate(
        entries=Count("timesheet"), last_received_at=Max("timesheet__received_at")
    ).order_by("issuer", "client_id", "organization")
    return [
        ClientSummary(key=_to_key(row), entries=row.entries, last_received_at=row.last_received_at)
        for row in rows
    ]


def count_clients_of_other_issuers(issuers: Collection[str]) -> Sequence[tuple[str, int]]:
    """The issuers that are not among these, each with the number of its clients."""
    rows = Client.objects.exclude(issuer__in=issuers).values("issuer").annotate(count=Count("id"))
    return list(rows.order_by("issuer").values_list("issuer", "count"))


class NotMovable(Exception):
    """No client is renamed. The message says why."""


@dataclass(frozen=True, kw_only=True)
class Move:
    """Which clients get another name. What is None stays as it is, or does not select."""

    old_issuer: str
    new_issuer: str
    client_id: str | None = None
    new_client_id: str | None = None
    # Moves only the client without organization.
    new_organization: str | None = None

    def rename(self, key: ClientKey) -> ClientKey:
        return ClientKey(
            self.new_issuer,
            key.client_id if self.new_client_id is None else self.new_client_id,
            key.organization if self.new_organization is None else self.new_organization,
        )


def move_clients(move: Move, *, dry_run: bool) -> Sequence[tuple[ClientKey, ClientKey]]:
    """Rename all clients that the move selects, or none. Returns the old and the new name of each.

    What operators decided about a client follows it. Raises NotMovable.
    """
    try:
        with transaction.atomic():
            names = _move(move)
            transaction.set_rollback(dry_run)
    except IntegrityError:
        raise NotMovable("Another process created a client with one of the new names.") from None
    return names


def _move(move: Move) -> Sequence[tuple[ClientKey, ClientKey]]:
    selected = Client.objects.filter(issuer=move.old_issuer)
    if move.client_id is not None:
        selected = selected.filter(client_id=move.client_id)
    if move.new_organization is not None:
        selected = selected.filter(organization="")
    rows = list(selected.order_by("client_id", "organization"))
    if not rows:
        raise NotMovable("No such client is in the database. `manage.py clients` lists all.")
    names = [(_to_key(row), move.rename(_to_key(row))) for row in rows]
    taken = [new for _, new in names if Client.objects.filter(**new._asdict()).exists()]
    if taken:
        listed = ", ".join(map(_describe, taken))
        raise NotMovable(
            f"These clients exist already: {listed}. Their entries and those of the old names could have the "
            "same entry_id."
        )
    for row, (_, new) in zip(rows, names, strict=True):
        Client.objects.filter(pk=row.pk).update(**new._asdict())
    for old, new in names:
        AssignmentList.objects.filter(**old._asdict()).update(**new._asdict())
        if move.new_organization is None:
            stops = ClientStop.objects.filter(issuer=old.issuer, client_id=old.client_id)
            stops.update(issuer=new.issuer, client_id=new.client_id)
    return names


def decide_stop(issuer: str, client_id: str, *, is_stopped: bool, at: datetime, by: str) -> None:
    """Refuse or accept the tokens of the client, in every process within two seconds."""
    ClientStop.objects.create(
        issuer=issuer, client_id=client_id, is_stopped=is_stopped, decided_at=at, decided_by=by
    )


def _to_key(row: Client) -> ClientKey:
    return ClientKey(row.issuer, row.client_id, row.organization)


def _describe(key: ClientKey) -> str:
    return f"{key.client_id} for {key.organization}" if key.organization else key.client_id
