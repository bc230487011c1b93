"""Read back what the API has stored. Trusts neither the form of an answer nor an address in it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self
from urllib.parse import parse_qs, urlsplit

from timesheets_client.errors import AccessRefused, ConfigurationError
from timesheets_client.network.messages import Answer
from timesheets_client.sending.client import ApiClient
from timesheets_files.members import COLUMNS

PAGE_SIZE = 1_000


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
        """Return an entry. Raises ConfigurationError, or AccessRefused if it is another client's."""
        if not isinstance(row, Mapping) or not all(name in row for name in ("id", *COLUMNS)):
            raise explain_unexpected("/timesheets")
        if "client" in row:
            raise AccessRefused(
                "/timesheets: the access token grants read:all-timesheets, so the API lists every client's "
                "entries, and this run is about those of one; get a token without that scope"
            )
        entry_id = row.get("entry_id")
        texts = [row["user_id"], row["date"], row["project"], "" if entry_id is None else entry_id]
        if not all(isinstance(text, str) for text in texts) or not isinstance(row["hours"], int | float):
            raise explain_unexpected("/timesheets")
        return cls(
            timesheet_id=read_whole_number(row["id"], "/timesheets"),
            members={name: row[name] for name in COLUMNS},
            entry_id=entry_id,
            revision=read_whole_number(row.get("revision") or 1, "/timesheets"),
            is_superseded=row.get("superseded_by") is not None,
        )


@dataclass(frozen=True, kw_only=True)
class Page:
    """Rows by ascending id, and where the next page starts: None after the last one."""

    rows: Sequence[StoredEntry]
    cursor: str | None


def list_pages(client: ApiClient, parameters: Mapping[str, str], last_id: int = 0) -> Iterator[Page]:
    """The pages of the rows that match, all with ids above `last_id`. Raises an UploadError."""
    cursors: set[str] = set()
    while True:
        page = read_page(client.read("/timesheets", **parameters), last_id)
        yield page
        if page.cursor is None:
            return
        if page.cursor in cursors:
            raise explain_unexpected("/timesheets")
        cursors.add(page.cursor)
        last_id = page.rows[-1].timesheet_id if page.rows else last_id
        parameters = {**parameters, "cursor": page.cursor}


def read_page(answer: Answer | None, last_id: int) -> Page:
    """Return a page. Raises ConfigurationError if its ids do not ascend, because such pages never end."""
    document = (answer and answer.document) or {}
    rows, address = document.get("results"), document.get("next")
    if not isinstance(rows, list) or not (address is None or isinstance(address, str)):
        raise explain_unexpected("/timesheets")
    cursor = None if address is None else read_cursor(address)
    page = Page(rows=[StoredEntry.parse(row) for row in rows], cursor=cursor)
    ids = [last_id, *(row.timesheet_id for row in page.rows)]
    if any(this >= later for this, later in pairwise(ids)):
        raise explain_unexpected("/timesheets")
    return page


def read_cursor(address: str) -> str:
    """Only the cursor: the access token never goes to an address that an answer names."""
    try:
        [cursor] = parse_qs(urlsplit(address).query)["cursor"]
    except (ValueError, KeyError):
        raise explain_unexpected("/timesheets") from None
    return cursor


def read_whole_number(value: object, path: str) -> int:
    """An id, a revision or a count. Raises ConfigurationError if it is none."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise explain_unexpected(path)
    return value


def explain_unexpected(path: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path}: this is not a response from the Timesheets API; check TIMESHEETS_API_URL, and that the API "
        "has corrections and receipts"
    )
