"""While the database is down, clients soon get a 503. When it is up again, uploads work without a restart."""

import pytest

from tests.conftest import StartServer
from tests.kit.default_database import Database, only_on
from tests.kit.issuer import Issuer
from tests.kit.postgresql import PostgreSQLServer
from tests.kit.servers import GranianServer
from tests.storage.load import BatchResponse, UploadLoad, require_completion, require_whole_batches

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
