"""The invariants of corrections and receipts, when a worker, the server or the database is killed.

Eight writers upload meanwhile.

INVARIANT_ROUNDS is how often it is killed. The default is 1; set it to 100 for a longer run.
"""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.kit.default_database import Database, only_on
from tests.kit.issuer import Issuer
from tests.kit.postgresql import PostgreSQLServer
from tests.kit.servers import GranianServer
from tests.kit.waiting import run_beside
from tests.storage.invariants import (
    require_dense_revisions,
    require_receipts_of_rows,
    require_rejections_of_receipts,
    require_truth_of_verdicts,
    wait_for_killed_writers,
)
from tests.survival.writers import CLIENTS, WRITERS, Acknowledged, Writer
from timesheets.models import Timesheet, Upload
from timesheets.storage.entries import ACCEPTED, Entry, Outcome, Verdict
from timesheets.trust.principals import MachineClient

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("INVARIANT_ROUNDS", "1"))
# Far longer than any response may take.
TIMEOUT_SECONDS = 20
ALL_PAGES = 1_000_000


@pytest.fixture
def server(database: Database, issuer_process: Issuer, tmp_path: Path) -> Iterator[GranianServer]:
    with closing(GranianServer(tmp_path, issuer_process.url, database.url)) as server:
        yield server


@pytest.fixture
def site(server: GranianServer, issuer_process: Issuer) -> "Site":
    scope = "batch:upload correct:timesheets read:timesheets"
    tokens = {client.client_id: issuer_process.mint(azp=client.client_id, scope=scope) for client in CLIENTS}
    return Site(url=server.url, tokens=tokens)


@dataclass(frozen=True, kw_only=True)
class Site:
    """A server, and tokens by client."""

    url: str
    tokens: Mapping[str, str]

    def get(self, client: MachineClient, path: str) -> requests.Response:
        """The response, once the database is there."""
        for _ in range(300):
            response = requests.get(self.url + path, headers=self._authorize(client), timeout=TIMEOUT_SECONDS)
            if response.status_code != 503:
                break
            time.sleep(0.1)
        assert response.status_code == 200, response.text
        return response

    def post(self, client: MachineClient, body: Any, *, dry_run: bool) -> requests.Response:
        return requests.post(
            f"{self.url}/timesheets/upload?dry_run={str(dry_run).lower()}",
            json=body,
            headers=self._authorize(client),
            timeout=TIMEOUT_SECONDS,
        )

    def _authorize(self, client: MachineClient) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[client.client_id]}"}


@dataclass(kw_only=True)
class HTTPWriters:
    """Eight threads that upload beside a block, whether or not the server can answer."""

    site: Site
    acknowledged: list[Acknowledged] = field(default_factory=list)
    lost: int = 0

    def run(self) -> AbstractContextManager[None]:
        return run_beside(WRITERS, self._run)

    def _run(self, number: int, is_over: threading.Event) -> None:
        writer = Writer(random=random.Random(number))  # noqa: S311  Not a secret.
        while not is_over.is_set():
            try:
                uploaded = writer.upload(self.send)
            except requests.RequestException:
                self.lost += 1
                is_over.wait(0.05)
            else:
                self.acknowledged += [uploaded] if uploaded else []

    def send(
        self, client: MachineClient, entries: Sequence[Entry], dry_run: bool
    ) -> tuple[Sequence[Verdict], int | None]:
        body = [to_json(entry) for entry in entries]
        response = self.site.post(client, body if len(body) > 1 else body[0], dry_run=dry_run)
        if response.status_code == 503:
            raise requests.ConnectionError
        return ([], None) if dry_run else read_verdicts(response, is_batch=len(body) > 1)


def to_json(entry: Entry) -> dict[str, Any]:
    members = {
        "user_id": entry.user_id,
        "date": entry.date.isoformat(),
        "project": entry.project,
        "hours": int(entry.hours),
        "entry_id": entry.entry_id,
        "revision": entry.revision,
        "reason": entry.reason,
    }
    return {name: value for name, value in members.items() if value is not None}


def read_verdicts(response: requests.Response, *, is_batch: bool) -> tuple[list[Verdict], int | None]:
    members = response.json()
    if not is_batch:
        assert response.status_code in {200, 201, 409, 422}, response.text
        return [read_verdict({"status": response.status_code, **members})], None
    assert response.status_code == 207, response.text
    location = response.headers.get("Location")
    upload_id = int(location.rpartition("/")[2]) if location else None
    return [read_verdict(result) for result in members["entries"]], upload_id


def read_verdict(members: Mapping[str, Any]) -> Verdict:
    return Verdict(
        outcome=_read_outcome(members),
        timesheet_id=members.get("id", 0),
        supersedes=members.get("supersedes"),
        superseded_by=members.get("superseded_by"),
        current_revision=members.get("current_revision"),
    )


def _read_outcome(members: Mapping[str, Any]) -> Outcome:
    if members["status"] == 200:
        return Outcome.SUPERSEDED if "superseded_by" in members else Outcome.EXISTING
    if members["status"] == 409:
        return Outcome.REVISION_GAP if members.get("code") == "revision_gap" else Outcome.CONFLICT
    return {201: Outcome.CREATED, 422: Outcome.UNKNOWN_ENTRY}[members["status"]]


@dataclass(kw_only=True)
class HTTPReader:
    """A caller that follows a client's lists, and remembers the bytes of past states."""

    site: Site
    client: MachineClient
    timesheets: str = "/timesheets?page_size=100"
    uploads: str = "/uploads?page_size=2"
    upload_ids: set[int] = field(default_factory=set)
    states: dict[str, bytes] = field(default_factory=dict)

    def read(self) -> None:
        # The writers may be faster than this reader.
        self.timesheets, latest = self._follow(self.timesheets, 5)
        if latest:
            for query in ("", "&current=true"):
                path = f"{self.timesheets}&as_of={latest[-1]['id']}{query}"
                self.states[path] = self.site.get(self.client, path).content
        self._read_uploads(10)

    def _read_uploads(self, pages: int) -> None:
        self.uploads, receipts = self._follow(self.uploads, pages)
        self.upload_ids |= {receipt["id"] for receipt in receipts}

    def _follow(self, path: str, pages: int = ALL_PAGES) -> tuple[str, list[dict[str, Any]]]:
        """The address of the last page or, after so many, of the next one; and the results from `path` on."""
        results = []
        for _ in range(pages):
            page = self.site.get(self.client, path).json()
            results += page["results"]
            if page["next"] is None:
                break
            path = "{0.path}?{0.query}".format(urlsplit(page["next"]))
        return path, results

    def require_same_states(self) -> None:
        assert self.states
        for path, seen in self.states.items():
            assert self.site.get(self.client, path).content == seen, path

    def require_all_uploads(self) -> None:
        self._read_uploads(ALL_PAGES)
        uploads = Upload.objects.filter(client__client_id=self.client.client_id)
        assert self.upload_ids == set(uploads.values_list("id", flat=True))

    def require_rows_of_uploads(self) -> None:
        for upload_id in sorted(self.upload_ids)[-5:]:
            receipt = self.site.get(self.client, f"/uploads/{upload_id}").json()
            _, rows = self._follow(f"/timesheets?upload={upload_id}")
            stored = Timesheet.objects.filter(upload_id=upload_id).order_by("id")
            assert [row["id"] for row in rows] == list(stored.values_list("id", flat=True))
            assert receipt["created"] == len(rows)


def test_the_invariants_hold_when_the_server_is_killed(site: Site, server: GranianServer) -> None:
    require_invariants_while_killing(site, server)


def test_the_invariants_hold_when_one_worker_after_the_other_is_killed(
    site: Site, server: GranianServer
) -> None:
    """The other worker goes on for a moment, and the server ends."""
    require_invariants_while_killing(site, server, lambda: os.kill(server.find_workers()[0], signal.SIGKILL))


@only_on("postgresql")
def test_the_invariants_hold_when_the_database_is_killed(site: Site, postgresql: PostgreSQLServer) -> None:
    require_invariants_while_killing(site, postgresql)


def require_invariants_while_killing(
    site: Site, killed: GranianServer | PostgreSQLServer, begin: Callable[[], object] = lambda: None
) -> None:
    chance = random.SystemRandom()
    readers = [HTTPReader(site=site, client=client) for client in CLIENTS]

    writers = HTTPWriters(site=site)
    with writers.run():
        for _ in range(ROUNDS):
            read_for(readers, chance.uniform(0.3, 1))
            begin()
            time.sleep(chance.uniform(0, 0.2))
            killed.kill()
            killed.start()
        read_for(readers, 0.1)
    wait_for_killed_writers()

    assert writers.lost
    require_invariants(writers.acknowledged)
    require_rejections_of_receipts()
    for reader in readers:
        reader.require_same_states()
        reader.require_all_uploads()
        reader.require_rows_of_uploads()
    require_replay_without_effect(writers, chance)


def read_for(readers: Sequence[HTTPReader], seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for reader in readers:
            reader.read()


def require_invariants(acknowledged: Sequence[Acknowledged]) -> None:
    require_dense_revisions()
    require_receipts_of_rows()
    require_truth_of_verdicts(
        (upload.client, entry, verdict) for upload in acknowledged for entry, verdict in upload.judged
    )
    require_acknowledged_receipts(acknowledged)


def require_acknowledged_receipts(acknowledged: Sequence[Acknowledged]) -> None:
    created = dict(Upload.objects.values_list("id", "created"))
    uploads = [upload for upload in acknowledged if upload.upload_id is not None]
    assert uploads
    for upload in uploads:
        outcomes = [verdict.outcome for verdict in upload.verdicts]
        assert created[upload.upload_id or 0] == outcomes.count(Outcome.CREATED)


def require_replay_without_effect(writers: HTTPWriters, chance: random.Random) -> None:
    """Send what was accepted again, from several threads, in any order and grouping."""
    accepted = [
        (upload.client, vary(entry, chance))
        for upload in writers.acknowledged
        for entry, verdict in upload.judged
        if verdict.outcome in ACCEPTED and entry.entry_id is not None
    ]
    chosen = chance.sample(accepted, min(1_000, len(accepted)))
    before = list(Timesheet.objects.order_by("id").values_list())

    def replay(number: int) -> list[Outcome]:
        client = CLIENTS[number % len(CLIENTS)]
        entries = [entry for owner, entry in chosen if owner == client]
        groups = [entries[place : place + 1 + number * 5] for place in range(0, len(entries), 1 + number * 5)]
        return [verdict.outcome for group in groups for verdict in writers.send(client, group, False)[0]]

    with ThreadPoolExecutor(WRITERS) as threads:
        outcomes = [outcome for outcomes in threads.map(replay, range(WRITERS)) for outcome in outcomes]

    assert len(outcomes) > WRITERS
    assert set(outcomes) <= {Outcome.EXISTING, Outcome.SUPERSEDED}
    assert list(Timesheet.objects.order_by("id").values_list()) == before


def vary(entry: Entry, chance: random.Random) -> Entry:
    """The entry, or its content without a revision."""
    if entry.revision is None or not entry.hours or chance.random() < 0.5:
        return entry
    return entry._replace(revision=None, reason=None)
