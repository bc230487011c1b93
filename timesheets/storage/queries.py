"""Read the timesheets in reach: one of them, or a page at a time. Knows the database; knows no HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import OuterRef, Subquery, prefetch_related_objects

from timesheets.models import Timesheet
from timesheets.storage.entries import Entry
from timesheets.storage.high_water_mark import find_high_water_mark
from timesheets.storage.receipts import find_receipt
from timesheets.storage.rows import CONTENT_COLUMNS, REVISION_COLUMNS, TABLE, Reach
from timesheets.storage.scans import (
    MAX_ID,
    MAX_SCANNED_ROWS,
    Condition,
    PageQuery,
    Scan,
    compare,
    match_any,
    read_page,
    scan_ids,
    sorting_disabled,
)
from timesheets.trust.principals import ClientKey

# The ids of the revisions next to a row. Only the unique index has revisions in order.
_NEXT_ID = (
    f"(SELECT id FROM {TABLE} AS later WHERE later.client_id = scanned.client_id "  # noqa: S608
    "AND later.entry_id = scanned.entry_id AND later.revision > scanned.revision "
    "ORDER BY later.revision LIMIT 1)"
)
_PREVIOUS_ID = (
    f"(SELECT id FROM {TABLE} AS earlier WHERE earlier.client_id = scanned.client_id "  # noqa: S608
    "AND earlier.entry_id = scanned.entry_id AND earlier.revision < scanned.revision "
    "ORDER BY earlier.revision DESC LIMIT 1)"
)
COLUMNS = f"scanned.*, {_NEXT_ID} AS next_id, {_PREVIOUS_ID} AS previous_id"


@dataclass(frozen=True, kw_only=True, slots=True)
class TimesheetQuery(PageQuery):
    """Selects the timesheets that meet every condition that is not None or empty."""

    # Any of them matches.
    user_ids: Sequence[str] = ()
    projects: Sequence[str] = ()
    date_from: datetime | None = None
    # Exclusive, unlike the others.
    date_to: datetime | None = None
    received_since: datetime | None = None
    entry_id: str | None = None
    # The upload that created the row.
    upload_id: int | None = None
    # Leave out what is superseded or withdrawn.
    is_current: bool = False
    # Answer as when this id was the last one.
    as_of: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEntry:
    """A row. Its `revision` is never None; `supersedes` and `superseded_by` are ids of other revisions.

    `subject` is the `sub` of the token that it was sent with, None if the token had none. `owner` is the
    client that sent it, None if only rows of one client were in reach.
    """

    timesheet_id: int
    entry: Entry
    received_at: datetime
    subject: str | None
    upload_id: int | None
    supersedes: int | None
    superseded_by: int | None
    owner: ClientKey | None = None

    @property
    def state(self) -> str:
        """Only the hours of current rows count."""
        if self.superseded_by is not None:
            return "superseded"
        return "current" if self.entry.hours else "withdrawn"


class Change(NamedTuple):
    """A revision, and what it replaced: None for the first one."""

    stored: StoredEntry
    previous: Entry | None


class TimesheetPage(NamedTuple):
    """Matches in the query's order, and the `from_id` of the next page: None after the last one.

    No row can appear any more up to the id `as_of`. A page whose scan ended early may have fewer matches than
    the page size, or none, and still a next page.
    """

    timesheets: Sequence[StoredEntry]
    next_id: int | None
    as_of: int


class NotSettled(Exception):
    """Uploads in progress may still add rows up to `as_of`, or it is 0 although there are rows."""


def find_timesheet(reach: Reach, timesheet_id: int) -> StoredEntry | None:
    """The timesheet with this id; None if there is none in reach."""
    scans, in_reach = scan_ids(Timesheet, reach, timesheet_id, timesheet_id)
    rows, _ = read_page(Timesheet, scans, in_reach, 1, columns=COLUMNS)
    return to_stored_entry(rows[0], reach) if rows else None


def list_history(client: ClientKey, entry_id: str, count: int) -> Sequence[Change]:
    """At most `count` revisions of the client's entry, the newest first."""
    reach = Reach(own=client)
    scans = _scan_revisions(reach, entry_id, 0, MAX_ID, newest_first=True)
    rows, _ = read_page(Timesheet, scans, (), count + 1, columns=COLUMNS)
    revisions = [to_stored_entry(row, reach) for row in rows]
    return list(map(Change, revisions[:count], [*(stored.entry for stored in revisions[1:]), None]))


def list_timesheets(
    reach: Reach, query: TimesheetQuery, page_size: int, *, max_scanned: int = MAX_SCANNED_ROWS
) -> TimesheetPage:
    """At most `page_size` of the timesheets in reach that match. Raises NotSettled.

    A caller that follows each `next_id`, and later requests the last page again, misses no timesheet, even
    during uploads. With the newest first, timesheets that are added meanwhile are only on a new first page.
    A query for an `entry_id` or an upload finds its rows as soon as they are committed.
    """
    mark = find_high_water_mark()
    as_of = settle(query.as_of, mark)
    scans, in_reach = _choose_scans(reach, query, mark)
    conditions = [*in_reach, *list_conditions(query)]
    rows, next_id = read_page(
        Timesheet, scans, conditions, page_size, columns=COLUMNS, max_scanned=max_scanned
    )
    if reach.is_everything:
        prefetch_related_objects(rows, "client")
    last_id = MAX_ID if query.as_of is None else query.as_of
    return TimesheetPage([to_stored_entry(row, reach, last_id) for row in rows], next_id, as_of)


def settle(as_of: int | None, mark: int) -> int:
    """The id to answer as of: without one, the high-water mark. Raises NotSettled."""
    if as_of is None:
        return mark
    if not min(1, mark) <= as_of <= mark:
        raise NotSettled
    return as_of


def _choose_scans(
    reach: Reach, query: TimesheetQuery, mark: int
) -> tuple[Sequence[Scan], Sequence[Condition]]:
    """The rows among which all matches are. No row can appear up to the `mark`."""
    newest_first = query.newest_first
    last_id = MAX_ID if query.as_of is None else query.as_of
    first_id, last_id = query.bound(last_id)
    if query.entry_id is not None:
        return _scan_revisions(reach, query.entry_id, first_id, last_id, newest_first=newest_first), []
    if query.upload_id is not None:
        upload = find_receipt(reach, query.upload_id)
        if upload is None or upload.first_id is None or upload.last_id is None:
            return [], []
        first_id, last_id = max(first_id, upload.first_id), min(last_id, upload.last_id)
    elif query.as_of is None:
        # Rows that are added from now on belong to another page, so all statements see the same rows.
        last_id = min(last_id, mark)
    return scan_ids(Timesheet, reach, first_id, last_id, newest_first=newest_first)


def _scan_revisions(
    reach: Reach, entry_id: str, first_id: int, last_id: int, *, newest_first: bool
) -> Sequence[Scan]:
    """The revisions whose ids are within the bounds, of each client's entry with this `entry_id`."""
    revisions = Timesheet.objects.filter(client=OuterRef("pk"), entry_id=entry_id).order_by("revision")
    owners = reach.select_clients().alias(first=Subquery(revisions.values("revision")[:1])).filter(first=1)
    with sorting_disabled():
        owner_ids = list(owners.values_list("pk", flat=True))
    # Ids grow with revisions. The sums hide the indexes that have ids in order, because those lead to rows of
    # other entries. An entry has at most 1,000 rows.
    source = f"{TABLE} WHERE client_id = %s AND entry_id = %s AND id + 0 >= %s AND id + 0 <= %s"
    bounds = (entry_id, first_id, last_id)
    return [Scan(source, (owner_id, *bounds), ("revision",), newest_first) for owner_id in owner_ids]


def list_conditions(query: TimesheetQuery) -> list[Condition]:
    """Return the conditions on a row, except for the ids of a scan."""
    conditions = [
        *match_any("user_id", query.user_ids),
        *match_any("project", query.projects),
        *compare("date >=", query.date_from),
        *compare("date <", query.date_to),
        *compare("received_at >=", query.received_since),
        *compare("upload_id =", query.upload_id),
    ]
    if query.is_current:
        is_last = f"scanned.hours <> 0 AND COALESCE({_NEXT_ID}, {MAX_ID}) > %s"
        # Without `as_of`, any next revision counts.
        conditions.append((is_last, (query.as_of or MAX_ID - 1,)))
    return conditions


def to_stored_entry(row: Timesheet, reach: Reach, last_id: int = MAX_ID) -> StoredEntry:
    """The row as it was when `last_id` was the last one."""
    next_id: int | None = row.next_id  # type: ignore[attr-defined]
    return StoredEntry(
        timesheet_id=row.pk,
        entry=to_entry(row),
        received_at=row.received_at,
        subject=row.subject,
        upload_id=row.upload_id,
        supersedes=row.previous_id,  # type: ignore[attr-defined]
        superseded_by=next_id if next_id is not None and next_id <= last_id else None,
        owner=reach.find_owner(row),
    )


def to_entry(row: Timesheet) -> Entry:
    return Entry(**{name: getattr(row, name) for name in (*CONTENT_COLUMNS, *REVISION_COLUMNS)})
