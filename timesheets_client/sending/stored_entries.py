"""Read back what the API has stored. Trusts neither the form of an answer nor an address in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from timesheets_client.errors import ConfigurationError
from timesheets_client.reading.entries import COLUMNS
from timesheets_client.sending.client import ApiClient


class Unexpected(Exception):
    """The document is not what was asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEntry:
    """A row. `members` are those of COLUMNS, as the API wrote them, and not safe to print."""

    timesheet_id: int
    members: Mapping[str, object]
    entry_id: str | None
    revision: int
    is_superseded: bool

    @classmethod
    def parse(cls, row: object) -> Self:
        """Raises Unexpected."""
        if not isinstance(row, Mapping) or not all(name in row for name in ("id", *COLUMNS)):
            raise Unexpected
        entry_id = row.get("entry_id")
        texts = [row["user_id"], row["date"], row["project"], "" if entry_id is None else entry_id]
        if not all(isinstance(text, str) for text in texts) or not isinstance(row["hours"], int | float):
            raise Unexpected
        return cls(
            timesheet_id=read_whole_number(row["id"]),
            members={name: row[name] for name in COLUMNS},
            entry_id=entry_id,
            revision=read_whole_number(row.get("revision") or 1),
            is_superseded=row.get("superseded_by") is not None,
        )

    @property
    def is_withdrawn(self) -> bool:
        return self.members["hours"] == 0


def find_entry(client: ApiClient, timesheet_id: int) -> StoredEntry | None:
    """Raises an UploadError."""
    path = f"/timesheets/{timesheet_id}"
    row = client.read(path)
    try:
        return None if row is None else StoredEntry.parse(row)
    except Unexpected:
        raise explain_unexpected(path) from None


def read_whole_number(value: object) -> int:
    """Raises Unexpected unless it is a number of an id, a revision or a count."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Unexpected
    return value


def explain_unexpected(path: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path}: this is not a response from the Timesheets API; check TIMESHEETS_API_URL, and that the API "
        "has corrections and receipts"
    )
