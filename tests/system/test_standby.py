"""What is acknowledged is on a standby too, where PostgreSQL replicates synchronously."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.conftest import StartServer
from tests.kit.issuer import Issuer
from tests.kit.postgresql import PostgreSQLServer
from tests.kit.servers import ENTRY, GranianServer
from tests.kit.waiting import wait_until

pytestmark = pytest.mark.postgresql

WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQLServer]:
    with closing(PostgreSQLServer()) as server:
        yield server


@pytest.fixture(scope="module")
def server(granian: StartServer, postgresql: PostgreSQLServer) -> GranianServer:
    return granian(postgresql.create_migrated_database("entries"), workers=1)


def wait_for_standby(postgresql: PostgreSQLServer, names: str) -> None:
    """Let commits wait for the standby of this name, which does not exist; for none if it is empty."""
    postgresql.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
    postgresql.execute("SELECT pg_reload_conf()")
    wait_until(lambda: postgresql.execute("SHOW synchronous_standby_names") == [(names,)])


def find_waiting(postgresql: PostgreSQLServer) -> list[int]:
    wait_until(lambda: postgresql.execute(WAITING))
    return [pid for (pid,) in postgresql.execute(WAITING)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "status"), [pytest.param(None, 200, id="one-entry"), pytest.param(2, 207, id="a-batch")]
)
def test_an_entry_that_is_sent_again_waits_for_the_standby_too(
    server: GranianServer,
    postgresql: PostgreSQLServer,
    issuer_process: Issuer,
    count: int | None,
    status: int,
) -> None:
    def upload(entry_id: str) -> int:
        entry = {**ENTRY, "entry_id": entry_id}
        return server.upload(issuer_process.mint(), entry if count is None else [entry]).status_code

    assert upload(f"first-{count}") < 300
    wait_for_standby(postgresql, "missing")
    with ThreadPoolExecutor() as executor:
        cut = executor.submit(upload, f"second-{count}")
        [pid] = find_waiting(postgresql)
        # The entry is stored and visible now, but no standby has it.
        postgresql.execute("SELECT pg_terminate_backend(%s)", [pid])
        assert cut.result(10) == 503

        again = executor.submit(upload, f"second-{count}")
        assert len(find_waiting(postgresql)) == 1
        wait_for_standby(postgresql, "")
        assert again.result(10) == status
