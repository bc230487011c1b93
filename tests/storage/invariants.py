"""What must always be true of entries and receipts, whichever process writes and whichever is killed."""

import hashlib
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from django.db import connection

from tests.storage.entries import to_entry
from timesheets.models import Rejection, Timesheet, Upload
from timesheets.storage.entries import Entry
from timesheets.storage.high_water_mark import find_high_water_mark
from timesheets.storage.queries import TimesheetQuery, list_timesheets
from timesheets.storage.receipts import ReceiptQuery, list_receipts
from timesheets.storage.verdicts import Outcome, Verdict
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


@dataclass(kw_only=True)
class Observer:
    """A reader beside the writers, which remembers what it saw."""

    clients: Sequence[MachineClient]
    digests: list[tuple[Callable[[int], str], int, str]] = field(default_factory=list)
    # By client: the ids of receipts, and where the reader is.
    seen: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    positions: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def observe(self) -> None:
        self._remember(digest_receipts, find_high_water_mark(Upload))
        if settled_id := find_high_water_mark():
            self._remember(self._digest_latest, settled_id)
        # The writers may be faster than this reader.
        for client in list(self.clients) * 10:
            self._read_receipts(client)

    def observe_all(self) -> None:
        self._remember(digest_entries, find_high_water_mark())

    def _remember(self, digest: Callable[[int], str], settled_id: int) -> None:
        self.digests.append((digest, settled_id, digest(settled_id)))

    def _digest_latest(self, as_of: int) -> str:
        """What the readers of the latest rows see, and which rows they see as superseded."""
        query = TimesheetQuery(as_of=as_of, from_id=max(0, as_of - 300))
        pages = [list_timesheets(client, query, 1000) for client in self.clients]
        return _digest(stored for page in pages for stored in page.timesheets)

    def _read_receipts(self, client: MachineClient) -> bool:
        """Read a page, from where the last one began if there was no next one. Returns if there is."""
        name = client.client_id
        receipts, next_id = list_receipts(client, ReceiptQuery(from_id=self.positions[name]), 2)
        self.seen[name] |= {receipt.pk for receipt in receipts}
        self.positions[name] = next_id or self.positions[name]
        return next_id is not None

    def require_same_digests(self) -> None:
        assert len(self.digests) > 2
        for digest, settled_id, seen in self.digests:
            assert digest(settled_id) == seen, (digest, settled_id)

    def require_all_receipts(self) -> None:
        for client in self.clients:
            while self._read_receipts(client):
                pass
            stored = Upload.objects.filter(client__client_id=client.client_id)
            assert self.seen[client.client_id] == set(stored.values_list("id", flat=True))


def digest_entries(settled_id: int) -> str:
    """A digest of all rows up to an id."""
    return _digest(Timesheet.objects.filter(id__lte=settled_id).order_by("id").values_list())


def digest_receipts(settled_id: int) -> str:
    return _digest(Upload.objects.filter(id__lte=settled_id).order_by("id").values_list())


def _digest(values: Iterable[object]) -> str:
    digest = hashlib.sha256()
    for value in values:
        digest.update(repr(value).encode())
    return digest.hexdigest()


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
