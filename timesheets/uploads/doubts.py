"""Find what people should check in entries that are about to be stored. Nothing is refused for it."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from timesheets import conf
from timesheets.formats.moments import write_day
from timesheets.storage.entries import Entry
from timesheets.storage.names import list_names
from timesheets.storage.rows import Reach
from timesheets.trust.principals import ClientKey

MAX_EXAMPLES = 20
_MAX_HOURS = 24
_DAYS_OF_A_YEAR = 366


def find_doubts(client: ClientKey, entries: Sequence[Entry], today: date) -> list[dict[str, Any]]:
    """Each kind of doubt with its `count` and its first `examples`."""
    known, zone = list_names(Reach(own=client)), conf.time_zone()
    last_revisions = {
        entry.entry_id or number: entry
        for number, entry in sorted(enumerate(entries), key=lambda pair: pair[1].revision or 1)
    }
    days: dict[date, datetime] = {}
    hours: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for entry in last_revisions.values():
        moment = entry.date.astimezone(zone)
        days[moment.date()] = moment
        hours[entry.user_id, moment.date()] += entry.hours
    found = {
        "Employees never seen before": sorted({entry.user_id for entry in entries} - {*known.user_ids}),
        "Projects never seen before": sorted({entry.project for entry in entries} - {*known.projects}),
        "Days more than a year away": [
            write_day(days[day]) for day in sorted(days) if abs(day - today).days > _DAYS_OF_A_YEAR
        ],
        "More than 24 hours on a day": [
            f"{user_id} on {write_day(days[day])}: {total}"
            for (user_id, day), total in hours.items()
            if total > _MAX_HOURS
        ],
    }
    return [
        {"doubt": doubt, "count": len(texts), "examples": texts[:MAX_EXAMPLES]}
        for doubt, texts in found.items()
        if texts
    ]
