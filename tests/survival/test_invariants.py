"""The invariants of corrections and receipts, with eight writers that are killed at random times.

INVARIANT_ROUNDS is how often some writers are killed. The default is 5; set it to 200 for a longer run.
"""

import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.kit.default_database import Database
from tests.storage.entries import RECEIVED_AT
from tests.storage.invariants import (
    Observer,
    digest_entries,
    require_dense_revisions,
    require_receipts_of_rows,
    require_truth_of_verdicts,
    wait_for_killed_writers,
)
from tests.storage.uploads import Results, make_delivery, run_concurrently
from tests.survival.writers import CLIENTS, WRITERS, Acknowledged, Writers
from timesheets.models import Upload
from timesheets.storage.entries import Entry
from timesheets.storage.ingest import ingest_entries, ingest_upload
from timesheets.storage.scans import MAX_ID
from timesheets.storage.verdicts import Outcome, Verdict
from timesheets.trust.principals import MachineClient

pytestmark = pytest.mark.survival

ROUNDS = int(os.environ.get("INVARIANT_ROUNDS", "5"))
ACCEPTED = {Outcome.CREATED, Outcome.EXISTING, Outcome.SUPERSEDED}


@pytest.fixture
def chance() -> random.Random:
    return random.SystemRandom()


def test_the_invariants_hold_when_writers_are_killed(
    database: Database, tmp_path: Path, chance: random.Random
) -> None:
    observer = Observer(clients=CLIENTS)

    with Writers(database.url, tmp_path) as writers:
        for _ in range(ROUNDS):
            observe_for(observer, chance.uniform(0.1, 0.5))
            writers.replace(chance.randint(1, 4))
    wait_for_killed_writers()

    acknowledged = writers.read_acknowledged()
    require_invariants(acknowledged)
    observer.require_same_digests()
    observer.require_all_receipts()
    require_replay_without_effect(acknowledged, chance)


def require_invariants(acknowledged: Sequence[Acknowledged]) -> None:
    require_dense_revisions()
    require_receipts_of_rows()
    require_truth_of_verdicts(
        (upload.client, entry, verdict) for upload in acknowledged for entry, verdict in upload.judged
    )
    require_acknowledged_receipts(acknowledged)


def observe_for(observer: Observer, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        observer.observe()
    observer.observe_all()


def require_acknowledged_receipts(acknowledged: Sequence[Acknowledged]) -> None:
    created = dict(Upload.objects.values_list("id", "created"))
    uploads = [upload for upload in acknowledged if upload.upload_id is not None]
    assert uploads
    for upload in uploads:
        outcomes = [verdict.outcome for verdict in upload.verdicts]
        assert created[upload.upload_id or 0] == outcomes.count(Outcome.CREATED)


def require_replay_without_effect(acknowledged: Sequence[Acknowledged], chance: random.Random) -> None:
    """Send what was accepted again, from several threads, in any order and grouping."""
    accepted = [
        (upload.client, vary(entry, chance))
        for upload in acknowledged
        for entry, verdict in upload.judged
        if verdict.outcome in ACCEPTED and entry.entry_id is not None
    ]
    before = digest_entries(MAX_ID)

    def replay(writer: int) -> Results:
        client = CLIENTS[writer % len(CLIENTS)]
        own = [entry for owner, entry in accepted if owner == client]
        return list(send_in_groups(client, chance.sample(own, min(200, len(own))), chance))

    results = [result for results in run_concurrently(replay) for result in results]

    assert {verdict.outcome for _, verdict in results} <= {Outcome.EXISTING, Outcome.SUPERSEDED}
    assert len(results) > WRITERS
    assert digest_entries(MAX_ID) == before


def vary(entry: Entry, chance: random.Random) -> Entry:
    """The entry, or its content without a revision."""
    if entry.revision is None or not entry.hours or chance.random() < 0.5:
        return entry
    return replace(entry, revision=None, reason=None)


def send_in_groups(
    client: MachineClient, entries: Sequence[Entry], chance: random.Random
) -> Iterator[tuple[Entry, Verdict]]:
    rest = list(entries)
    while rest:
        size = chance.choice([1, 2, 5, 60])
        group, rest = rest[:size], rest[size:]
        delivery = make_delivery(len(group))
        verdicts = (
            ingest_upload(client, group, RECEIVED_AT, delivery).verdicts
            if size > 1
            else ingest_entries(client, group, RECEIVED_AT)
        )
        yield from zip(group, verdicts, strict=True)
