"""A server that is killed at random times loses no acknowledged batch and stores no partial batch."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import SystemRandom

import pytest

from tests.database.conftest import Database
from tests.database.load import Batch, BatchResponse, UploadLoad, require_completion, require_whole_batches
from tests.issuer import Issuer
from tests.processes import GranianServer

# Set it to 50 for a longer run by hand.
ROUNDS = int(os.environ.get("SURVIVAL_ROUNDS", "5"))


@pytest.fixture
def server(database: Database, issuer_process: Issuer, tmp_path: Path) -> Iterator[GranianServer]:
    server = GranianServer(tmp_path, issuer_process.url, database.url)
    yield server
    server.close()


def test_a_killed_server_loses_no_batch_and_stores_no_partial_batch(
    server: GranianServer, issuer_process: Issuer
) -> None:
    token = issuer_process.mint()
    acknowledged: list[BatchResponse] = []
    unanswered: list[Batch] = []

    for number in range(ROUNDS):
        with UploadLoad(url=server.url, token=token, name=f"round-{number}") as load:
            time.sleep(SystemRandom().uniform(0.05, 0.4))
            server.kill()
        assert load.refused == []
        acknowledged += load.stored
        unanswered += load.unanswered
        server.start()

    assert acknowledged
    assert unanswered
    require_whole_batches(acknowledged, unanswered)
    batches = [*(response.batch for response in acknowledged), *unanswered]
    require_completion(batches, server.url, token)
