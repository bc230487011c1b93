"""What is acknowledged is on a standby too, where PostgreSQL replicates synchronously."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.kit.issuer import Issuer
from tests.kit.postgresql import PostgreSQLServer
from tests.kit.servers import GranianServer
from tests.kit.waiting import wait_until

pytestmark = pytest.mark.postgresql

WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.fixture
def postgresql() -> Iterator[PostgreSQLServer]:
    with closing(PostgreSQLServer()) as server:
        yield server


def wait_for_standby(postgresql: PostgreSQLServer, names: str) -> None:
    """Let commits wait for the standby of this name, which does not exist; for none if it is empty."""
    postgresql.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
    postgresql.execute("SELECT pg_reload_conf()")
    wait_until(lambda: postgresql.execute("SHOW synchronous_standby_names") == [(names,)])


def find_waiting(postgresql: PostgreSQLServer) -> list[int]:
    wait_until(lambda: postgresql.execute(WAITING))
    return [pid for (pid,) in postgresql.execute(WAITING)]


@pytest.mark.parametrize("count", [pytest.param(None, id="one-entry"), pytest.param(2, id="a-batch")])
def test_an_entry_that_is_sent_again_waits_for_the_standby_too(
    tmp_path: Path, postgresql: PostgreSQLServer, issuer_process: Issuer, count: int | None
) -> None:
    server = GranianServer(
        tmp_path, issuer_process.url, postgresql.create_migrated_database("entries"), workers=1
    )
    statuses: list[int] = []

    def upload(entry_id: str) -> None:
        entry = {"user_id": "007", "date": "2017-05-10", "project": "P", "hours": 5, "entry_id": entry_id}
        response = requests.post(
            f"{server.url}/timesheets/upload",
            json=entry if count is None else [entry],
            headers={"Authorization": f"Bearer {issuer_process.mint()}"},
            timeout=30,
        )
        statuses.append(response.status_code)

    upload("first")
    wait_for_standby(postgresql, "missing")
    cut = threading.Thread(target=upload, args=["second"])
    cut.start()
    [pid] = find_waiting(postgresql)
    # The entry is stored and visible now, but no standby has it.
    postgresql.execute("SELECT pg_terminate_backend(%s)", [pid])
    cut.join(10)

    again = threading.Thread(target=upload, args=["second"])
    again.start()
    waiting = find_waiting(postgresql)
    wait_for_standby(postgresql, "")
    again.join(10)

    server.close()
    assert len(waiting) == 1
    assert statuses[1:] == ([503, 200] if count is None else [503, 207])
