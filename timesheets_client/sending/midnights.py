"""Find out when days begin in the API's time zone."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from timesheets_client.reading.entries import InputEntry
from timesheets_client.sending.batch_uploads import UploadMode, upload_batch
from timesheets_client.sending.batches import make_batches
from timesheets_client.sending.client import ApiClient
from timesheets_client.sending.stored_entries import explain_unexpected
from timesheets_files.members import ENTRY_ID

# Every offset from UTC of a time zone is one of these.
OFFSETS = [timedelta(minutes=minutes) for minutes in range(-12 * 60, 14 * 60 + 1, 15)]
DAYS_PER_BATCH = 9


def find_midnights(client: ApiClient, days: Sequence[str], key: str) -> dict[str, datetime]:
    """When each day begins. Stores nothing. `key` begins the ids of no stored entry. Raises an UploadError.

    The API names no time zone, but says whether entries with one id are equal, such as a date and a moment.
    """
    found: dict[str, datetime] = {}
    entries = (entry for day in days for entry in make_candidates(day, key))
    for batch in make_batches(entries, DAYS_PER_BATCH * (1 + len(OFFSETS))):
        for verdict in upload_batch(client, batch, UploadMode(is_dry_run=True, lists_all=True)).listed:
            if verdict.status == HTTPStatus.OK:
                found[verdict.entry.source] = datetime.fromisoformat(str(verdict.entry.members["date"]))
    if len(found) < len(days):
        raise explain_unexpected("/timesheets/upload")
    return found


def make_candidates(day: str, key: str) -> Iterator[InputEntry]:
    """The day as a date, and as each moment at which it may begin."""
    midnight = datetime.fromisoformat(day).replace(tzinfo=UTC)
    for moment in (day, *((midnight - offset).isoformat() for offset in OFFSETS)):
        members = {"user_id": "-", "date": moment, "project": "-", "hours": 1, ENTRY_ID: f"{key}-{day}"}
        yield InputEntry(source=day, members=members)
