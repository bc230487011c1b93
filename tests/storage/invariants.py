"""What must always be true of entries and receipts, whichever process writes and whichever is killed."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable

from django.db import connection

from tests.storage.entries import to_entry
from timesheets.models import Rejection, Timesheet, Upload
from timesheets.storage.entries import Entry, Outcome, Verdict
from timesheets.trust.principals import MachineClient


def require_dense_revisions() -> None:
    """In the order of their ids, the revisions of a key are 1, 2, 3 and so on."""
    revisions = defaultdict(list)
    keyed = Timesheet.objects.filter(entry_id__isnull=False).order_by("id")
    for client_id, entry_id, revision in keyed.values_list("client_id", "entry_id", "revision"):
        revisions[client_id, entry_id].append(revision)
    assert revisions
    assert [key for key, found in revisions.items() if found != list(range(1, len(found) + 1))] == []


def require_receipts_of_rows() -> None:
    """A receipt exists if and only if its rows do, and has their number, hours and ids."""
    rows = defaultdict(list)
    for upload_id, row_id, hours, client_id in Timesheet.objects.filter(upload_id__isnull=False).values_list(
        "upload_id", "id", "hours", "client_id"
    ):
        rows[upload_id].append((row_id, hours, client_id))
    uploads = Upload.objects.in_bulk()
    assert rows
    assert set(rows) <= set(uploads)
    assert sum(upload.created for upload in uploads.values()) == sum(map(len, rows.values()))
    for upload_id, upload in uploads.items():
        created = rows.get(upload_id, [])
        ids = [row_id for row_id, *_ in created]
        assert {client_id for *_, client_id in created} <= {upload.client_id}
        assert (upload.created, upload.hours_created) == (len(ids), sum(hours for _, hours, _ in created))
        assert (upload.first_id, upload.last_id) == (min(ids, default=None), max(ids, default=None))
        assert upload.received == upload.created + upload.existing + upload.rejected


def require_rejections_of_receipts() -> None:
    """Refused entries are kept if and only if their receipt is."""
    kept = Counter(Rejection.objects.values_list("upload_id", flat=True))
    assert kept == dict(Upload.objects.filter(rejected__gt=0).values_list("id", "rejected"))


def require_truth_of_verdicts(judged: Iterable[tuple[MachineClient, Entry, Verdict]]) -> None:
    """Each verdict agrees with the rows, and at most one entry per key and revision gets 201."""
    stored = {row.pk: row for row in Timesheet.objects.select_related("client")}
    created: Counter[int] = Counter()
    for client, entry, verdict in judged:
        if verdict.outcome is Outcome.UNKNOWN_ENTRY:
            continue
        row = stored[verdict.timesheet_id]
        assert (row.client.client_id, row.entry_id) == (client.client_id, entry.entry_id)
        created[row.pk] += verdict.outcome is Outcome.CREATED
        _require_truth(entry, verdict, row)
        if verdict.superseded_by is not None:
            assert stored[verdict.superseded_by].revision == row.revision + 1
        if verdict.supersedes is not None:
            assert stored[verdict.supersedes].revision == row.revision - 1
    assert created
    assert max(created.values()) == 1


def _require_truth(entry: Entry, verdict: Verdict, row: Timesheet) -> None:
    is_equal = entry.has_content_of(to_entry(row)) and (entry.revision is None or entry.reason == row.reason)
    if verdict.outcome is Outcome.REVISION_GAP:
        assert entry.revision is not None
        assert row.revision == verdict.current_revision
        assert row.revision < entry.revision - 1
        return
    assert is_equal == (verdict.outcome is not Outcome.CONFLICT)
    if entry.revision is not None:
        assert row.revision == entry.revision
    if verdict.outcome is Outcome.SUPERSEDED:
        assert entry.revision is None
        assert row.revision < (verdict.current_revision or 0)
    assert (verdict.supersedes is not None) == (verdict.outcome is Outcome.CREATED and row.revision > 1)


def wait_for_killed_writers() -> None:
    """PostgreSQL may still be storing what a killed process sent."""
    busy = connection.vendor == "postgresql"
    while busy:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND state <> 'idle'"
            )
            [busy] = cursor.fetchone()
        time.sleep(0.01)
