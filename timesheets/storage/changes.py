"""Find the corrections of a period. Knows the database; knows no HTTP."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import prefetch_related_objects

from timesheets.models import Timesheet
from timesheets.storage.high_water_mark import find_high_water_mark
from timesheets.storage.queries import COLUMNS, Change, TimesheetQuery, to_entry, to_stored_entry
from timesheets.storage.rows import TABLE, Reach
from timesheets.storage.scans import Condition, compare, read_page, scan_ids

# Of uploads at the same time, a later one may get earlier ids.
_OVERLAP = timedelta(hours=1)
_WAS = (
    f"EXISTS (SELECT 1 FROM {TABLE} AS earlier WHERE earlier.client_id = scanned.client_id "  # noqa: S608
    "AND earlier.entry_id = scanned.entry_id AND earlier.revision = scanned.revision - 1 AND earlier.{})"
)


def list_corrections(
    reach: Reach, query: TimesheetQuery, page_size: int, max_searched: int
) -> tuple[Sequence[Change], int | None]:
    """At most `page_size` corrections in reach, the newest first, and the first id of the next page.

    The query's dates are when they were received, and its names those of a correction or of what it replaced.
    A page of which `max_searched` rows were searched may have fewer, or none, and still a next page.
    """
    mark = find_high_water_mark()
    first_id = 0 if query.date_from is None else _find_id_before(query.date_from - _OVERLAP, mark)
    last_id = mark if query.date_to is None else _find_id_before(query.date_to + _OVERLAP, mark)
    _, last_id = replace(query, newest_first=True).bound(last_id)
    scans, in_reach = scan_ids(Timesheet, reach, first_id, last_id, newest_first=True)
    conditions = [
        *in_reach,
        *compare("revision >", 1),
        *compare("received_at >=", query.date_from),
        *compare("received_at <", query.date_to),
        *_match_names("user_id", query.user_ids),
        *_match_names("project", query.projects),
    ]
    rows, next_id = read_page(
        Timesheet, scans, conditions, page_size, columns=COLUMNS, max_scanned=max_searched
    )
    if reach.is_everything:
        prefetch_related_objects(rows, "client")
    replaced = Timesheet.objects.in_bulk([row.previous_id for row in rows])
    changes = [
        Change(stored=to_stored_entry(row, reach), previous=to_entry(replaced[row.previous_id]))
        for row in rows
    ]
    return changes, next_id


def count_corrections(reach: Reach, since: datetime) -> int:
    """The number of corrections in reach that were received since then."""
    first_id = _find_id_before(since - _OVERLAP, find_high_water_mark())
    recent = Timesheet.objects.filter(id__gte=first_id, revision__gt=1, received_at__gte=since)
    return reach.limit(recent).count()


def _find_id_before(moment: datetime, mark: int) -> int:
    """An id below all that were received then or later, but for the overlap: ids grow with time."""
    received = Timesheet.objects.order_by("id").values_list("received_at", flat=True)
    return bisect_left(range(mark), moment, key=lambda row_id: received.filter(id__gt=row_id)[0])


def _match_names(name: str, values: Sequence[Any]) -> list[Condition]:
    if not values:
        return []
    any_of = f"{name} IN ({', '.join(['%s'] * len(values))})"
    return [(f"(scanned.{any_of} OR {_WAS.format(any_of)})", (*values, *values))]
