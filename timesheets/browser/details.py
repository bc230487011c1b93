"""Describe what pages show besides the bodies of responses: days and sums, histories, what is held."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from timesheets import conf
from timesheets.browser.reports import describe_report
from timesheets.formats.days import name_week
from timesheets.models import Run
from timesheets.permissions import UPLOAD_SCOPE, may_correct
from timesheets.serializers import represent_change, represent_rejection, represent_stored_entry
from timesheets.storage.queries import StoredEntry, TimesheetQuery, list_history, list_timesheets
from timesheets.storage.receipts import list_rejections
from timesheets.storage.rows import Reach
from timesheets.storage.run_lines import KINDS, Shares, add_up, add_up_lines, write_hours
from timesheets.storage.scans import PageQuery
from timesheets.trust.principals import MachineClient, VerifiedToken

# With long texts, more would make a page of 100 kB. The list of entries has them all.
MAX_REVISIONS, MAX_HELD = 50, 50
MAX_SHOWN = 20
_HELD = ("held", "client__client_id", "client__organization", "user_id")


def _describe_entries(entries: Sequence[StoredEntry], *, is_part: bool, **others: Any) -> Mapping[str, Any]:
    """The `days` of the entries with their rows, the newest first, and sums of what counts.

    A part of a list keeps its order, because its days go on in other parts. Its sums would be wrong for its
    days, so a page must not show them.
    """
    zone = conf.time_zone()

    def find_day(stored: StoredEntry) -> date:
        return stored.entry.date.astimezone(zone).date()

    ordered = entries if is_part else sorted(entries, key=find_day, reverse=True)
    days = [list(rows) for _, rows in groupby(ordered, find_day)]
    counted = sum(stored.state == "current" for stored in entries)
    return {
        **others,
        "is_part": is_part,
        "days": [
            {"rows": [represent_stored_entry(each) for each in rows], "hours": _add_up(rows)} for rows in days
        ],
        "hours": _add_up(entries),
        "counted": counted,
        "uncounted": len(entries) - counted,
    }


def _add_up(entries: Sequence[StoredEntry]) -> Decimal:
    """Hours that were superseded or withdrawn count for nothing."""
    return sum((each.entry.hours for each in entries if each.state == "current"), Decimal())


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


def _describe_run(run: Run, shares: Shares, reach: Reach) -> Mapping[str, Any]:
    """What is paid by kind, and the first people who are held, by reason."""
    kinds = add_up_lines(run, shares, "kind", held__isnull=True)
    held = list(add_up_lines(run, shares, *_HELD, held__isnull=False)[: MAX_HELD + 1])
    return {
        "reach": reach,
        "kinds": sorted(kinds, key=lambda row: KINDS.index(row[0])),
        "held": held[:MAX_HELD],
        "has_more_held": len(held) > MAX_HELD,
    }


def _describe_lines(run: Run, shares: Shares, wanted: Mapping[str, Any], **others: Any) -> Mapping[str, Any]:
    """What the lines that are wanted add up to: their number, and the hours that they pay and hold."""
    sums = add_up(shares)
    if wanted:
        sums = Counter()
        for reason, count, hours in add_up_lines(run, shares, "held", **wanted):
            sums["lines"] += count
            sums["hours" if reason is None else "held"] += int(hours * 100)
    pays, holds = write_hours(sums["hours"]), write_hours(sums["held"])
    return {**others, "run": run, "count": sums["lines"], "pays": pays, "holds": holds}


_DESCRIBE: dict[str, Callable[..., Mapping[str, Any]]] = {
    "timesheets/parts/timesheets.html": _describe_entries,
    "timesheets/parts/timesheet.html": _describe_history,
    "timesheets/parts/receipt.html": _describe_created,
    "timesheets/parts/report.html": describe_report,
    "timesheets/parts/run.html": _describe_run,
    "timesheets/parts/run_lines.html": _describe_lines,
}


def describe_more(part: str, shown: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a part of a page shows besides the response's body, from what the view passed on."""
    return _DESCRIBE.get(part, dict)(**shown)
