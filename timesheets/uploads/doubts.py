"""Find what people should check in entries that are about to be stored. Nothing is refused for it."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from timesheets import conf
from timesheets.formats.days import write_day
from timesheets.storage.clients import list_names
from timesheets.storage.entries import Entry
from timesheets.storage.rows import Reach
from timesheets.trust.principals import ClientKey

MAX_EXAMPLES = 20
_MAX_HOURS = 24
_DAYS = 366


def find_doubts(client: ClientKey, entries: Sequence[Entry], today: date) -> list[dict[str, Any]]:
    """Each kind of doubt with its `count` and its first `examples`."""
    known, zone = list_names(Reach(own=client)), conf.time_zone()
    hours: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for entry in entries:
        hours[entry.user_id, entry.date.astimezone(zone).date()] += entry.hours
    days = sorted({day for _, day in hours})
    found = {
        "Employees never seen before": sorted(
            {entry.user_id for entry in entries}.difference(known.user_ids)
        ),
        "Projects never seen before": sorted({entry.project for entry in entries}.difference(known.projects)),
        "Days more than a year away": [write_day(day) for day in days if abs(day - today).days > _DAYS],
        "More than 24 hours on a day": [
            f"{user_id} on {write_day(day)}: {total}"
            for (user_id, day), total in hours.items()
            if total > _MAX_HOURS
        ],
    }
    return [
        {"doubt": doubt, "count": len(texts), "examples": texts[:MAX_EXAMPLES]}
        for doubt, texts in found.items()
        if texts
    ]
