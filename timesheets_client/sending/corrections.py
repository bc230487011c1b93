"""Corrections of stored entries, and what they change."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from timesheets_client.network.messages import make_printable
from timesheets_client.reading.entries import InputEntry, Members, RejectedEntry
from timesheets_client.reading.identity import normalize_date, normalize_hours, strip_text
from timesheets_client.sending.client import ApiClient
from timesheets_client.sending.stored_entries import StoredEntry
from timesheets_files.members import COLUMNS, ENTRY_ID, REASON, REVISION

Item = TypeVar("Item", bound=InputEntry | RejectedEntry)


def revise(entry: InputEntry, revision: int, reason: str) -> InputEntry:
    return replace(entry, members={**entry.members, REVISION: revision, REASON: reason})


def withdraw(row: StoredEntry, source: str, reason: str) -> InputEntry:
    """The revision that withdraws the row. It corrects nothing that was stored meanwhile."""
    entry = InputEntry(source=source, members={**row.members, "hours": 0, ENTRY_ID: row.entry_id})
    return revise(entry, row.revision + 1, reason)


def ignore_revision(item: Item) -> Item:
    """The item without its revision and reason, because the run has its own."""
    members = {name: value for name, value in item.members.items() if name not in (REVISION, REASON)}
    return replace(item, members=members)


def describe_values(new: Members, old: Mapping[str, str], client: ApiClient) -> str:
    """The four members, safe to print; of those that differ from `old`, both values."""
    texts = {name: make_printable(str(new.get(name))) for name in COLUMNS}
    for name, was in old.items():
        if not is_equal(name, was, new.get(name), client):
            texts[name] = f"{was} -> {texts[name]}"
    return f"{', '.join(texts.values())} hours"


def is_equal(name: str, old: str, new: object, client: ApiClient) -> bool:
    """Whether the API's value is the one that is sent. A date is midnight in the API's time zone."""
    if name == "hours":
        return normalize_hours(old) == normalize_hours(new)
    if name != "date":
        return old == strip_text(new)
    try:
        midnight = datetime.strptime(str(new), "%Y-%m-%d").replace(tzinfo=client.time_zone)
        return datetime.fromisoformat(old) == midnight
    except ValueError:
        return normalize_date(old) == normalize_date(new)
