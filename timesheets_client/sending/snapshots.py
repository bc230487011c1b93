"""Read the current entries in one state, which later uploads and corrections do not change."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from timesheets_client.errors import ConfigurationError, ParameterRefused
from timesheets_client.reading.identity import Occurrences, digest_content
from timesheets_client.sending.client import ApiClient
from timesheets_client.sending.stored_entries import Page, StoredEntry, explain_unexpected, list_pages
from timesheets_files.dates import read_iso_date
from timesheets_files.members import Malformed
from timesheets_files.rows import read_decimal

MARK = re.compile(r"[0-9]{1,19}")
# As in the API: no text has control characters or half a surrogate pair.
TEXT = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,128}")
MAX_HOURS = 24


def find_latest_state(client: ApiClient) -> int:
    """The last id of the latest state; 0 if nothing is stored. Raises an UploadError."""
    answer = client.read("/timesheets", page_size="1")
    mark = answer.headers.get("Timesheets-As-Of", "") if answer else ""
    if not MARK.fullmatch(mark):
        problem = "/timesheets: the answer names no state; this needs a later version of the API"
        raise ConfigurationError(problem)
    return int(mark)


def list_state(
    client: ApiClient,
    *,
    as_of: int,
    since: str,
    until: str | None = None,
    page_size: int,
    cursor: str | None = None,
    last_id: int = 0,
) -> Iterator[Page]:
    """The entries of the state that are dated `since` or later, and before `until`. Raises an UploadError.

    They begin at `cursor`, where the ids are above `last_id`. Takes about 100 bytes of memory per `entry_id`.
    """
    parameters = {"current": "true", "as_of": str(as_of), "date_from": since, "page_size": str(page_size)}
    position = ({} if until is None else {"date_to": until}) | ({} if cursor is None else {"cursor": cursor})
    earliest, occurrences = find_earliest(since), Occurrences()
    latest = datetime.max.replace(tzinfo=UTC) if until is None else find_earliest(until) + timedelta(days=2)
    try:
        for page in list_pages(client, {**parameters, **position}, last_id):
            ids = [digest_content(row.entry_id.encode()) for row in page.rows if row.entry_id is not None]
            is_repeated = any(occurrences.count(each) for each in ids)
            if is_repeated or not all(is_in_state(row, as_of, earliest, latest) for row in page.rows):
                raise explain_unexpected("/timesheets")
            yield page
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
