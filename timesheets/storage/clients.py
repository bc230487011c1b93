"""The clients in the database, for the operator: list them, rename them, stop them. Knows no HTTP."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Count, Max

from timesheets.models import AssignmentList, Client, ClientStop, Run
from timesheets.storage.rows import to_key
from timesheets.storage.run_lines import read_shares
from timesheets.storage.run_statements import one_run_at_a_time
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
        ClientSummary(key=to_key(row), entries=row.entries, last_received_at=row.last_received_at)
        for row in rows
    ]


def count_clients_of_other_issuers(issuers: Collection[str]) -> Sequence[tuple[str, int]]:
    """The issuers that are not among these, each with the number of its clients."""
    rows = Client.objects.exclude(issuer__in=issuers).values("issuer").annotate(count=Count("id"))
    return list(rows.order_by("issuer").values_list("issuer", "count"))


class NotMovable(Exception):
    """No client is renamed. The message says why."""


def move_clients(
    selection: Mapping[str, str], names: Mapping[str, str], *, dry_run: bool
) -> Sequence[tuple[ClientKey, ClientKey]]:
    """Rename all clients with the members in `selection`, or none. Returns the old and the new key of each.

    What operators decided about a client follows it, even if it has uploaded nothing. Raises NotMovable.
    """
    try:
        # A run that is being added has the old names.
        with one_run_at_a_time(), transaction.atomic():
            moved = _move(selection, names)
            transaction.set_rollback(dry_run)
    except IntegrityError:
        raise NotMovable("Another process created a client with one of the new names.") from None
    return moved


def _move(selection: Mapping[str, str], names: Mapping[str, str]) -> Sequence[tuple[ClientKey, ClientKey]]:
    rows = Client.objects.filter(**selection).order_by("client_id", "organization")
    moved = [(to_key(row), to_key(row)._replace(**names)) for row in rows]
    if not moved:
        raise NotMovable("No such client is in the database. `manage.py clients` lists all.")
    taken = [new for _, new in moved if Client.objects.filter(**new._asdict()).exists()]
    if taken:
        listed = ", ".join(map(_describe, taken))
        raise NotMovable(
            f"These clients exist already: {listed}. Their entries and those of the old names could have the "
            "same entry_id."
        )
    paid = {owner_id for run in Run.objects.iterator() for owner_id in read_shares(run)}
    new_id = names.get("client_id")
    keeping = [to_key(row) for row in rows if row.pk in paid and new_id not in (None, row.client_id)]
    if keeping:
        listed = ", ".join(map(_describe, keeping))
        raise NotMovable(
            f"Runs have lines of {listed}. With another id of the client, their CSV would change."
        )
    for model in (Client, AssignmentList):
        model.objects.filter(**selection).update(**names)
    if "organization" not in names:
        # A stop is about every organization.
        ClientStop.objects.filter(**selection).update(**names)
    return moved


def decide_stop(issuer: str, client_id: str, *, is_stopped: bool, at: datetime, by: str) -> None:
    """Refuse or accept the tokens of the client, in every process within two seconds."""
    ClientStop.objects.create(
        issuer=issuer, client_id=client_id, is_stopped=is_stopped, decided_at=at, decided_by=by
    )


def _describe(key: ClientKey) -> str:
    return f"{key.client_id} for {key.organization}" if key.organization else key.client_id
