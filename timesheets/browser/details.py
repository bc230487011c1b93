"""Describe what pages show besides the bodies of responses: days and sums, an entry's history."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from timesheets import conf
from timesheets.browser.days import add_up, group_by_day
from timesheets.browser.reports import describe_report
from timesheets.browser.runs import describe_lines, describe_run
from timesheets.formats.days import name_week
from timesheets.permissions import UPLOAD_SCOPE, may_correct
from timesheets.serializers import represent_change, represent_rejection, represent_stored_entry
from timesheets.storage.queries import StoredEntry, TimesheetQuery, list_history, list_timesheets
from timesheets.storage.receipts import list_rejections
from timesheets.storage.rows import Reach
from timesheets.storage.scans import PageQuery
from timesheets.trust.principals import MachineClient, VerifiedToken

# With long texts, more would make a page of 100 kB. The list of entries has them all.
MAX_REVISIONS = 50
MAX_SHOWN = 20


def _describe_entries(entries: Sequence[StoredEntry], *, is_part: bool, **others: Any) -> Mapping[str, Any]:
    """The `days` of the entries with their rows, and the `totals`.

    Totals of a part of a list would be wrong for its days, so a page must not show them.
    """
    return {
        **others,
        "is_part": is_part,
        "days": [_describe_day(rows) for _, rows in group_by_day(entries, conf.time_zone(), is_part=is_part)],
        "totals": add_up(entries),
    }


def _describe_day(entries: Sequence[StoredEntry]) -> Mapping[str, Any]:
    rows = [represent_stored_entry(stored) for stored in entries]
    return {"rows": rows, "hours": add_up(entries).hours}


def _describe_history(
    reach: Reach, stored: StoredEntry, client: MachineClient, token: VerifiedToken
) -> Mapping[str, Any]:
    """The `origin` of a row, its `day` and `week`, and its `history`: the newest revisions.

    `may_correct` if the row is current, and the client's own. Without `entry_id`, nobody may.
    """
    entry_id, owner = stored.entry.entry_id, stored.owner or reach.own
    changes = list_history(owner, entry_id, MAX_REVISIONS) if entry_id and owner else []
    day = stored.entry.date.astimezone(conf.time_zone()).date()
    is_own = bool(changes) and stored.superseded_by is None and owner == client.key
    return {
        "origin": stored,
        "day": day,
        "week": name_week(day),
        "history": [represent_change(change) for change in changes],
        "may_correct": is_own and UPLOAD_SCOPE in token.scopes and may_correct(token),
    }


def _describe_created(reach: Reach, upload_id: int) -> Mapping[str, Any]:
    """The first entries that the upload created, with the totals.

    `rejections` are the first entries that it refused, and `has_more_rejections` says if there are others.
    """
    page = list_timesheets(reach, TimesheetQuery(upload_id=upload_id), MAX_SHOWN)
    refused, next_index = list_rejections(upload_id, PageQuery(), MAX_SHOWN)
    return {
        **_describe_entries(page.timesheets, is_part=page.next_id is not None),
        "rejections": [represent_rejection(each) for each in refused],
        "has_more_rejections": next_index is not None,
    }


_DESCRIBE: dict[str, Callable[..., Mapping[str, Any]]] = {
    "timesheets/parts/timesheets.html": _describe_entries,
    "timesheets/parts/timesheet.html": _describe_history,
    "timesheets/parts/receipt.html": _describe_created,
    "timesheets/parts/report.html": describe_report,
    "timesheets/parts/run.html": describe_run,
    "timesheets/parts/run_lines.html": describe_lines,
}


def describe_more(part: str, shown: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a part of a page shows besides the response's body, from what the view passed on."""
    return _DESCRIBE.get(part, dict)(**shown)
