"""What a client may add now: its assignments, and the days that the settings allow."""

from datetime import date, datetime, timedelta

from timesheets import conf
from timesheets.storage.assignments import Assignments
from timesheets.storage.client_policies import find_policy
from timesheets.storage.gate import Gate
from timesheets.trust.principals import MachineClient

_NOTHING = Assignments([])


def open_gate(client: MachineClient, now: datetime) -> Gate | None:
    """The gate for one upload, by one version of the client's list. None if the client may add everything."""
    assignments = find_policy(client.key).assignments
    if assignments is None and conf.requires_assignments():
        assignments = _NOTHING
    max_age, max_ahead = conf.upload_window()
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
