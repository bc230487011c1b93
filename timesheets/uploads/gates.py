"""What an upload must pass: the totals that its caller announced, and the limits of what it may add."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings

from timesheets import conf
from timesheets.exceptions import ControlTotalsDiffer
from timesheets.serializers import read_hours, represent_total
from timesheets.storage.assignments import REQUIRED, Assignments
from timesheets.storage.client_policies import find_policy
from timesheets.storage.entries import Entry
from timesheets.storage.gate import Gate
from timesheets.trust.principals import MachineClient
from timesheets.uploads.options import UploadOptions

_NOTHING = Assignments([])


def open_gate(client: MachineClient, now: datetime) -> Gate | None:
    """The gate for one upload, by one version of the client's list. None if the client may add everything."""
    assignments = find_policy(client.key).assignments
    if assignments is None and settings.TIMESHEETS_ASSIGNMENTS == REQUIRED:
        assignments = _NOTHING
    max_age, max_ahead = settings.TIMESHEETS_MAX_AGE_DAYS, settings.TIMESHEETS_MAX_AHEAD_DAYS
    if assignments is None and max_age is None and max_ahead is None:
        return None
    today = now.astimezone(conf.time_zone()).date()
    has_window = (max_age, max_ahead) != (None, None)
    return Gate(
        zone=conf.time_zone(),
        assignments=assignments,
        inside={} if assignments is None or has_window else assignments.inside,
        first_day=date.min if max_age is None else today - timedelta(days=max_age),
        last_day=date.max if max_ahead is None else today + timedelta(days=max_ahead),
    )


def add_up(values: Sequence[Any], entries: Sequence[Entry | Any]) -> Decimal:
    """The sum of all `hours` that are valid by themselves, whatever else is wrong with their entry.

    Where one of a parser's `values` is valid, `entries` has its entry.
    """
    hours = sum(
        entry.hours if isinstance(entry, Entry) else read_hours(value)
        for value, entry in zip(values, entries, strict=True)
    )
    return Decimal(hours)


def require_totals(options: UploadOptions, entries: int, hours: Decimal) -> None:
    """Raise ControlTotalsDiffer."""
    if options.expect_entries in (None, entries) and options.expect_hours in (None, hours):
        return
    expected: dict[str, Any] = {}
    if options.expect_entries is not None:
        expected["entries"] = options.expect_entries
    if options.expect_hours is not None:
        expected["hours"] = represent_total(options.expect_hours)
    raise ControlTotalsDiffer(expected=expected, found={"entries": entries, "hours": represent_total(hours)})
