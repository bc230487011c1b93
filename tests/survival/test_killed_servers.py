"""A server that is killed at random times loses no single entry that it acknowledged."""

import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import SystemRandom

import pytest
import requests

from tests.kit.default_database import Database
from tests.kit.issuer import Issuer
from tests.kit.servers import GranianServer
from tests.kit.waiting import wait_until
from tests.storage.load import SINGLE_CLIENTS, SingleLoad, send_single
from timesheets.models import Timesheet

pytestmark = pytest.mark.survival

# Set it to 50 for a longer run by hand.
ROUNDS = int(os.environ.get("SURVIVAL_ROUNDS", "2"))


@pytest.fixture
def server(database: Database, issuer_process: Issuer, tmp_path: Path) -> Iterator[GranianServer]:
    server = GranianServer(tmp_path, issuer_process.url, database.url)
    yield server
    server.close()


def test_a_killed_server_loses_no_single_entry_and_stores_none_twice(
    server: GranianServer, issuer_process: Issuer
) -> None:
    token = issuer_process.mint()
    acknowledged: dict[str, int] = {}
    unanswered: list[str] = []

    for number in range(ROUNDS):
        load = SingleLoad(url=server.url, token=token, name=f"round-{number}")
        with load.run():
            wait_until(partial(len, load.acknowledged))
            time.sleep(SystemRandom().uniform(0.05, 0.4))
            server.kill()
        acknowledged |= load.acknowledged
        unanswered += load.unanswered
        server.start()

    assert acknowledged
    assert len(unanswered) == SINGLE_CLIENTS * ROUNDS
    stored = dict(Timesheet.objects.values_list("entry_id", "id"))
    assert Timesheet.objects.count() == len(stored)
    assert {entry_id: stored.get(entry_id) for entry_id in acknowledged} == acknowledged
    assert set(stored) <= {*acknowledged, *unanswered}
    with requests.Session() as session:
        statuses = {send_single(session, server.url, token, entry_id).status_code for entry_id in unanswered}
    assert statuses <= {200, 201}
    assert Timesheet.objects.count() == len(acknowledged) + len(unanswered)
