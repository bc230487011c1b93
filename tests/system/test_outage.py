"""While the database is down, clients soon get a 503. When it is up again, uploads work without a restart."""

from typing import Any

import pytest
from django.db import connections
from django.test import Client

from tests.conftest import StartServer
from tests.kit.default_database import Database, only_on
from tests.kit.issuer import Issuer
from tests.kit.postgresql import PostgreSQLServer
from tests.kit.servers import GranianServer
from tests.storage.load import BatchResponse, UploadLoad, require_completion, require_whole_batches
from timesheets.readiness import get_readiness

# The limit for every response, whether the database is up or down.
MAX_RESPONSE_SECONDS = 10


@pytest.fixture(scope="module")
def server(granian: StartServer, postgresql_url: str) -> GranianServer:
    """One server for all outages, since it must recover from each."""
    return granian(postgresql_url)


@pytest.fixture
def load(database: Database, server: GranianServer, issuer_process: Issuer) -> UploadLoad:
    return UploadLoad(url=server.url, token=issuer_process.mint(), name="outage")


def is_stored(response: BatchResponse) -> bool:
    return response.status == 207


def is_unavailable(response: BatchResponse) -> bool:
    return response.status == 503


def require_orderly_outage(load: UploadLoad) -> None:
    """Each batch got a response in time: it was stored completely, or the database was unavailable."""
    assert load.unanswered == []
    assert max(response.seconds for response in load.responses) < MAX_RESPONSE_SECONDS
    refusals = {(response.status, response.members["code"]) for response in load.refused}
    assert refusals == {(503, "database_unavailable")}
    assert all(1 <= int(response.headers["Retry-After"]) <= 30 for response in load.refused)
    require_whole_batches(load.stored, [response.batch for response in load.refused])


@only_on("postgresql")
def test_batches_are_refused_while_postgresql_is_down_and_stored_afterwards(
    server: GranianServer, postgresql: PostgreSQLServer, load: UploadLoad
) -> None:
    with load.run():
        load.wait_for(is_stored)
        postgresql.kill()
        load.wait_for(is_unavailable)
        postgresql.start()
        load.wait_for(is_stored)

    require_orderly_outage(load)
    require_completion([response.batch for response in load.responses], server.url, load.token)


@only_on("postgresql")
def test_batches_whose_connection_postgresql_terminates_are_refused_completely(
    server: GranianServer, postgresql: PostgreSQLServer, load: UploadLoad
) -> None:
    with load.run():
        load.wait_for(is_stored)
        load.wait_for(is_unavailable, meanwhile=lambda: postgresql.terminate_backends("timesheets"))
        load.wait_for(is_stored)

    require_orderly_outage(load)
    require_completion([response.batch for response in load.responses], server.url, load.token)


@pytest.fixture
def broken_pool(database: Database, postgresql: PostgreSQLServer) -> Any:
    """The full pool of this process, all of whose connections ended with the last run of the server."""
    pool = connections["default"].pool  # type: ignore[attr-defined]
    pool.open()
    for used in [pool.getconn() for _ in range(pool.max_size)]:
        pool.putconn(used)
    postgresql.stop()
    postgresql.start()
    return pool


@only_on("postgresql")
def test_the_first_request_after_a_restart_of_postgresql_is_answered(
    client: Client, issuer: Issuer, broken_pool: Any
) -> None:
    headers = {"Authorization": f"Bearer {issuer.mint(scope='read:timesheets')}"}

    assert client.get("/timesheets", headers=headers).status_code == 200


@only_on("postgresql")
@pytest.mark.usefixtures("without_the_admin")
def test_a_probe_finds_what_a_restart_of_postgresql_broke(
    client: Client, issuer: Issuer, broken_pool: Any
) -> None:
    get_readiness.cache_clear()

    assert client.get("/readyz").status_code == 200

    assert broken_pool.get_stats().get("connections_lost", 0) > 0
