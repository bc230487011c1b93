"""The clients in the database, for the operator: list them, rename them. Knows no HTTP."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Max

from timesheets.models import AssignmentList, Client, ClientStop, Run
from timesheets.storage.rows import to_key
from timesheets.storage.run_lines import read_shares
from timesheets.storage.run_statements import one_run_at_a_time
from timesheets.trust.principals import ClientKey


def list_clients() -> Sequence[tuple[Any, ...]]:
    """The key of each client, how many entries it stored, and when it sent the last one: None without any."""
    names = ClientKey._fields
    rows = Client.objects.order_by(*names)
    return list(rows.values_list(*names, Count("timesheet"), Max("timesheet__received_at")))


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


def _describe(key: ClientKey) -> str:
    return f"{key.client_id} for {key.organization}" if key.organization else key.client_id
