"""The clients in the database: their uploads, the names that they use, and their renaming. Knows no HTTP."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Max, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from timesheets.models import AssignmentList, Client, ClientStop, Run, Timesheet, Upload
from timesheets.storage.assignments import find_newest_lists
from timesheets.storage.client_policies import find_policy
from timesheets.storage.rows import Reach, to_key
from timesheets.storage.run_lines import read_shares
from timesheets.storage.run_statements import one_run_at_a_time
from timesheets.storage.scans import MAX_ID, scan_ids, sorting_disabled
from timesheets.trust.principals import ClientKey

_NAMES = ClientKey._fields
MAX_SEARCHED = 10_000


def list_clients() -> Sequence[tuple[Any, ...]]:
    """The key of each client, how many entries it stored, and when it sent the last one: None without any."""
    # An index counts them and leads to the newest one, so that no row of the others is read.
    stored = Timesheet.objects.filter(client=OuterRef("pk")).order_by()
    count = stored.values("client").annotate(count=Count("pk")).values("count")
    newest = stored.order_by("-id").values("received_at")[:1]
    rows = Client.objects.order_by(*_NAMES)
    return list(rows.values_list(*_NAMES, Coalesce(Subquery(count), 0), Subquery(newest)))


def list_activity(since: datetime) -> Sequence[Mapping[str, Any]]:
    """What each client did that uploaded something or has a list, who is silent for longest first.

    `with_rejected` is the number of its receipts since then that have refused entries. The time `uploaded` is
    None if it never uploaded, and `assigned` if it has no list.
    """
    rejected = Count("pk", filter=Q(rejected__gt=0, received_at__gte=since))
    receipts = Upload.objects.order_by().values_list(*(f"client__{name}" for name in _NAMES))
    stored = {ClientKey(*row[:3]): row[3:] for row in list_clients()}
    sent = {
        ClientKey(*row[:3]): row[3:] for row in receipts.annotate(rejected=rejected, at=Max("received_at"))
    }
    lists = {ClientKey(*key): at for *key, at in find_newest_lists().values_list(*_NAMES, "decided_at")}
    stops = ClientStop.objects.order_by("id").values_list(*_NAMES[:2], "is_stopped")
    stopped = {(issuer, client_id): is_stopped for issuer, client_id, is_stopped in stops}
    activity = []
    for client in sorted(stored.keys() | lists.keys()):
        entries, entry_at = stored.get(client, (0, None))
        with_rejected, receipt_at = sent.get(client, (0, None))
        activity.append(
            {
                "client": client,
                "entries": entries,
                "uploaded": max(filter(None, (entry_at, receipt_at)), default=None),
                "with_rejected": with_rejected,
                "assigned": lists.get(client),
                "is_stopped": stopped.get(client[:2], False),
            }
        )
    return sorted(activity, key=lambda each: each["uploaded"] or datetime.min.replace(tzinfo=UTC))


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


class Names(NamedTuple):
    """Without repetitions, those of the newest entries first."""

    user_ids: Sequence[str] = ()
    projects: Sequence[str] = ()


def list_names(reach: Reach) -> Names:
    """The names that the newest entries and the lists of assignments in reach have."""
    scans, _ = scan_ids(Timesheet, reach, 0, MAX_ID, newest_first=True)
    pairs: list[tuple[str, str]] = []
    for scan in scans:
        with sorting_disabled(), connection.cursor() as cursor:
            cursor.execute(scan.select("user_id, project"), [*scan.parameters, MAX_SEARCHED, 0])
            pairs += cursor.fetchall()
    listed = find_newest_lists().values_list("issuer", "client_id", "organization")
    owners = [reach.own] if reach.own else [ClientKey(*each) for each in listed]
    for assignments in filter(None, (find_policy(owner).assignments for owner in owners)):
        pairs += assignments.list_pairs()
    # An empty name in a list means any.
    return Names(*([name for name in dict.fromkeys(names) if name] for names in zip(*pairs, strict=True)))
