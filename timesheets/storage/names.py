"""The employees and projects that are known: of the newest entries, and of lists of assignments."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import connection

from timesheets.models import Timesheet
from timesheets.storage.assignments import find_newest_lists
from timesheets.storage.client_policies import find_policy
from timesheets.storage.rows import Reach
from timesheets.storage.scans import MAX_ID, scan_ids, sorting_disabled
from timesheets.trust.principals import ClientKey

MAX_SEARCHED = 10_000


class Names(NamedTuple):
    """Each once: those of the newest entries first."""

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
    user_ids, projects = zip(*pairs, strict=True) if pairs else ((), ())
    return Names(_list_once(user_ids), _list_once(projects))


def _list_once(names: Iterable[str]) -> Sequence[str]:
    # An empty name in a list means any.
    return [name for name in dict.fromkeys(names) if name]
