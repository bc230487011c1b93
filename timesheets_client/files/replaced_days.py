"""Compare the rows of a file with the days that --replace names, and with what is stored there."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from timesheets_client.context import RunContext
from timesheets_client.errors import EntriesRejected
from timesheets_client.files.control_totals import Totals, find_hours, show
from timesheets_client.files.tally import Tally
from timesheets_client.network.messages import make_printable
from timesheets_client.reading.entries import InputEntry, RejectedEntry
from timesheets_client.reading.identity import strip_text
from timesheets_client.sending.midnights import find_midnights
from timesheets_client.sending.snapshots import find_latest_state, list_state
from timesheets_client.sending.stored_entries import StoredEntry
from timesheets_files.members import ENTRY_ID

ZERO = Decimal(0)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
MAX_NAMED = 20


def reject_strays(entries: Sequence[InputEntry], tally: Tally, context: RunContext) -> None:
    """Reject the rows that are on none of the days, and those that are on another day for the API."""
    first, last = context.options.replaced_days or ("", "")
    exact: dict[str, list[tuple[InputEntry, datetime]]] = {}
    for entry in entries:
        text = str(entry.members.get("date"))
        found = DAY.match(text)
        day = found[0] if found else ""
        if not first <= day <= last:
            reject(entry, f"This is not one of the days from {first} to {last}.", tally)
        elif moment := read_moment(text):
            exact.setdefault(day, []).append((entry, moment))
    midnights = find_midnights(
        context.client, sorted({*exact, *map(find_next, exact)}), context.environment.make_key()
    )
    for day, timed in exact.items():
        for entry, moment in timed:
            if not midnights[day] <= moment < midnights[find_next(day)]:
                reject(entry, "In the API's time zone this is another day. Send only the date.", tally)


def reject(entry: InputEntry, reason: str, tally: Tally) -> None:
    tally.reject(RejectedEntry(source=entry.source, errors={"date": [reason]}, members=entry.members))


def read_moment(text: str) -> datetime | None:
    """The moment of a time with an offset; None for a date, and for what the API refuses."""
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def find_next(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


@dataclass(frozen=True, kw_only=True)
class Stored:
    """The hours of each employee of the file, there and in the API; and the rows that the file does not have.

    `others` are the totals of employees who are not in the file.
    """

    file: Mapping[str, Decimal]
    found: dict[str, Decimal] = field(default_factory=dict)
    surplus: list[StoredEntry] = field(default_factory=list)
    others: dict[str, Totals] = field(default_factory=dict)

    @property
    def losses(self) -> Mapping[str, Decimal]:
        return {user: max(ZERO, hours - self.file[user]) for user, hours in self.found.items()}

    def describe_others(self) -> Iterator[str]:
        for user, totals in sorted(self.others.items()):
            hours, noun = show(totals.hours), "entry" if totals.entries == 1 else "entries"
            yield f"{user} is not in the file and is left alone: {totals.entries} {noun}, {hours} hours"


def read_stored(entries: Sequence[InputEntry], context: RunContext) -> Stored:
    """What is stored on these days. Raises EntriesRejected if there are entries that cannot be matched."""
    file: dict[str, Decimal] = {}
    for entry in entries:
        user = str(strip_text(entry.members.get("user_id")))
        file[user] = file.get(user, ZERO) + (find_hours(entry.members) or ZERO)
    ids = {strip_text(entry.members[ENTRY_ID]) for entry in entries}
    stored, nameless = Stored(file=file), []
    for row in list_days(context):
        user, hours = str(row.members["user_id"]), Decimal(str(row.members["hours"]))
        if user not in file:
            stored.others.setdefault(make_printable(user), Totals()).count(hours)
            continue
        stored.found[user] = stored.found.get(user, ZERO) + hours
        if row.entry_id is None:
            nameless.append(f"timesheet {row.timesheet_id}")
        elif row.entry_id not in ids:
            stored.surplus.append(row)
    if nameless:
        more = f" and {len(nameless) - MAX_NAMED} more" if len(nameless) > MAX_NAMED else ""
        raise EntriesRejected(
            "--replace: nothing was stored, because entries of these employees and days have no entry_id "
            f"and can neither be matched nor withdrawn: {', '.join(nameless[:MAX_NAMED])}{more}"
        )
    return stored


def list_days(context: RunContext) -> Iterator[StoredEntry]:
    first, last = context.options.replaced_days or ("", "")
    pages = list_state(
        context.client,
        as_of=find_latest_state(context.client),
        since=first,
        until=find_next(last),
        page_size=1_000,
    )
    for page in pages:
        yield from page.rows


def require_small_loss(stored: Stored, max_loss: Decimal, name: str) -> None:
    """Raise EntriesRejected if the employees lose a greater part of their hours: half a file must not."""
    lost, found = sum(stored.losses.values(), ZERO), sum(stored.found.values(), ZERO)
    if lost * 100 <= max_loss * found:
        return
    losers = [
        f"{make_printable(user)} has {show(stored.file[user])} of {show(stored.found[user])}"
        for user, loss in sorted(stored.losses.items(), key=lambda item: -item[1])
        if loss
    ]
    more = f" and {len(losers) - MAX_NAMED} more employees" if len(losers) > MAX_NAMED else ""
    percent = lost * 100 / found
    raise EntriesRejected(
        f"{name}: nothing was stored, because {show(lost)} of {show(found)} hours would be lost, which is "
        f"{percent:.1f} % and more than {show(max_loss)} %: {'; '.join(losers[:MAX_NAMED])}{more}; is it the "
        "whole export? If these hours must go, allow it with --max-loss"
    )
