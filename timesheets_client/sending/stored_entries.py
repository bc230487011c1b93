"""Read back what the API has stored. Trusts neither the form of an answer nor an address in it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from timesheets_client.errors import AccessRefused, ConfigurationError, ParameterRefused
from timesheets_client.network.messages import Answer
from timesheets_client.reading.entries import InputEntry
from timesheets_client.reading.identity import Occurrences, digest_content
from timesheets_client.sending.client import ApiClient
from timesheets_client.sending.verdicts import read_count
from timesheets_files.dates import read_iso_date
from timesheets_files.members import COLUMNS, ENTRY_ID, Malformed
from timesheets_files.rows import read_decimal

PATH = "/timesheets"
PAGE_SIZE = 1_000
MARK = re.compile(r"[0-9]{1,19}")
# As in the API: no text has control characters or half a surrogate pair.
TEXT = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,128}")
MAX_HOURS = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEntry:
    """A row. `members` are those of COLUMNS, as the API wrote them, and not safe to print."""

    timesheet_id: int
    members: Mapping[str, object]
    entry_id: str | None
    revision: int
    is_superseded: bool

    @classmethod
    def parse(cls, row: Any) -> Self:
        """Raises ValueError, KeyError or TypeError for what is no row, AccessRefused for another client's."""
        if "client" in row:
            raise AccessRefused(
                "/timesheets: the access token grants read:all-timesheets, so the API lists every client's "
                "entries, and this run is about those of one; get a token without that scope"
            )
        entry_id, hours = row.get("entry_id"), row["hours"]
        texts = [row["user_id"], row["date"], row["project"], "" if entry_id is None else entry_id]
        if not all(isinstance(text, str) for text in texts) or not isinstance(hours, int | float):
            raise TypeError
        return cls(
            timesheet_id=read_count(row, "id"),
            members={name: row[name] for name in COLUMNS},
            entry_id=entry_id,
            revision=read_count({"revision": 1, **row}, "revision"),
            is_superseded=row.get("superseded_by") is not None,
        )

    def withdraw(self, source: str, reason: str) -> InputEntry:
        """The revision that withdraws the row. It corrects nothing that was stored meanwhile."""
        entry = InputEntry(source=source, members={**self.members, "hours": 0, ENTRY_ID: self.entry_id})
        return entry.revise(self.revision + 1, reason)


# Rows by ascending id, and where the next page starts: None after the last one.
Page = tuple[Sequence[StoredEntry], str | None]


def find_latest_state(client: ApiClient) -> int:
    """The last id of the latest state; 0 if nothing is stored. Raises an UploadError."""
    answer = client.read(PATH, page_size="1")
    mark = answer.headers.get("Timesheets-As-Of", "") if answer else ""
    if not MARK.fullmatch(mark):
        problem = "/timesheets: the answer names no state; this needs a later version of the API"
        raise ConfigurationError(problem)
    return int(mark)


def list_state(
    client: ApiClient, *, as_of: int, since: str, until: str = "", page_size: int, cursor: str | None = None
) -> Iterator[Page]:
    """The entries of the state that are dated `since` or later, and before `until`. Raises an UploadError.

    They begin at `cursor`. Later uploads and corrections do not change them. Takes about 100 bytes of memory
    per `entry_id`.
    """
    chosen = {"date_from": since, "date_to": until, "cursor": cursor or "", "as_of": str(as_of)}
    parameters = {"current": "true", "page_size": str(page_size)}
    parameters |= {name: text for name, text in chosen.items() if text}
    earliest, occurrences = find_earliest(since), Occurrences()
    latest = find_earliest(until) + timedelta(days=2) if until else datetime.max.replace(tzinfo=UTC)
    try:
        for rows, following in list_pages(client, parameters):
            ids = [digest_content(row.entry_id.encode()) for row in rows if row.entry_id is not None]
            is_repeated = any(occurrences.count(each) for each in ids)
            if is_repeated or not all(is_in_state(row, as_of, earliest, latest) for row in rows):
                raise explain_unexpected(PATH)
            yield rows, following
    except ParameterRefused as error:
        raise ConfigurationError(
            f"/timesheets: the API no longer has the state of entry {as_of}: {error.reason}; if its "
            "database was restored, remove the file that ends in .part and run it again"
        ) from None


def find_earliest(since: str) -> datetime:
    """The first moment of `since` in any time zone: a date begins at midnight in that of the API."""
    moment = datetime.fromisoformat(since)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC) - timedelta(days=1)


def is_in_state(row: StoredEntry, as_of: int, earliest: datetime, latest: datetime) -> bool:
    """Whether the row was asked for, and has values that the API stores and --correct can read."""
    texts = (row.members["user_id"], row.members["project"], row.entry_id)
    try:
        hours = read_decimal(str(row.members["hours"]))
        date = datetime.fromisoformat(read_iso_date(str(row.members["date"])))
        return (
            row.timesheet_id <= as_of
            and not row.is_superseded
            and 0 < hours <= MAX_HOURS
            and earliest <= date < latest
            and all(text is None or TEXT.fullmatch(str(text)) for text in texts)
        )
    except (Malformed, ValueError, TypeError):
        # Among others a date without a time, which cannot be compared with a moment.
        return False


def list_pages(client: ApiClient, parameters: Mapping[str, str]) -> Iterator[Page]:
    """The pages of the rows that match. Raises an UploadError.

    Rows whose ids do not ascend, and a cursor that leads back to its page, would never end.
    """
    last_id = 0
    while True:
        rows, cursor = read_page(client.read(PATH, **parameters))
        ids = [last_id, *(row.timesheet_id for row in rows)]
        if cursor == parameters.get("cursor", "") or any(one >= two for one, two in pairwise(ids)):
            raise explain_unexpected(PATH)
        yield rows, cursor
        if cursor is None:
            return
        last_id, parameters = ids[-1], {**parameters, "cursor": cursor}


def read_page(answer: Answer | None) -> Page:
    """Return a page. Raises ConfigurationError. An access token never goes to the address of the next one."""
    document: Mapping[str, Any] = (answer and answer.document) or {}
    try:
        rows, address, cursor = map(StoredEntry.parse, document["results"]), document["next"], None
        if address is not None:
            [cursor] = parse_qs(urlsplit(address).query)["cursor"]
        return list(rows), cursor
    except (ValueError, KeyError, TypeError, AttributeError):
        raise explain_unexpected(PATH) from None


def explain_unexpected(path: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path}: this is not a response from the Timesheets API; check TIMESHEETS_API_URL, and that the API "
        "has corrections and receipts"
    )
