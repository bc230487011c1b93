"""Killed at random moments, the server loses nothing that it acknowledged, and stores no batch in part."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import SystemRandom

import pytest

from tests.database.conftest import Database
from tests.database.streams import Answer, Batch, Stream, require_completion, require_whole_batches
from tests.issuer import Issuer
from tests.processes import GranianServer

# 50 are for a run by hand.
ROUNDS = int(os.environ.get("SURVIVAL_ROUNDS", "5"))


@pytest.fixture
def server(database: Database, issuer_process: Issuer, tmp_path: Path) -> Iterator[GranianServer]:
    server = GranianServer(tmp_path, issuer_process.url, database.url)
    yield server
    server.close()


def test_a_killed_server_lost_nothing_and_stored_nothing_in_part(
    server: GranianServer, issuer_process: Issuer
) -> None:
    token = issuer_process.mint()
    acknowledged: list[Answer] = []
    in_doubt: list[Batch] = []

    for number in range(ROUNDS):
        with Stream(url=server.url, token=token, name=f"round-{number}") as stream:
            time.sleep(SystemRandom().uniform(0.05, 0.4))
            server.kill()
        assert stream.refused == []
        acknowledged += stream.stored
        in_doubt += stream.in_doubt
        server.start()

    assert acknowledged
    assert in_doubt
    require_whole_batches(acknowledged, in_doubt)
    batches = [*(answer.batch for answer in acknowledged), *in_doubt]
    require_completion(batches, server.url, token)
