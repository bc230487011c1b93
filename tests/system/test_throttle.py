"""The requests of a client are counted by all processes together, after its scope and before all else."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count

import pytest
import requests

from tests.conftest import StartServer
from tests.kit.databases import create_sqlite
from tests.kit.issuer import Issuer
from tests.kit.raw_http import open_connections, receive_status, write_head
from tests.kit.servers import GranianServer

RATE = 5
_numbers = count()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    return create_sqlite(tmp_path_factory.mktemp("database") / "db.sqlite3")


@pytest.fixture(scope="module")
def server(granian: StartServer, database: str) -> GranianServer:
    # A second is long enough to see that SQLite is busy.
    return granian(f"{database}?timeout=1", settings="tests.settings_throttled", workers=2)


class Caller:
    """A client that no other test uses."""

    def __init__(self, server: GranianServer, issuer: Issuer) -> None:
        name = f"client-{next(_numbers)}"
        self.token, self._other_token = (
            issuer.mint(azp=name, sub=f"{name}@clients", scope=scope)
            for scope in ("batch:upload read:timesheets", "other")
        )
        self._url = server.url

    def send(
        self, method: str = "GET", path: str = "/timesheets", *, has_scope: bool = True
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token if has_scope else self._other_token}"}
        # Each request has a connection of its own, so that both workers get some.
        return requests.request(method, f"{self._url}{path}", headers=headers, timeout=20)

    def use_up(self) -> None:
        for _ in range(RATE):
            self.send()


@pytest.fixture
def caller(server: GranianServer, issuer_process: Issuer) -> Caller:
    return Caller(server, issuer_process)


def test_the_workers_count_together(caller: Caller) -> None:
    with ThreadPoolExecutor(16) as executor:
        responses = list(executor.map(lambda _: caller.send(), range(40)))

    statuses = [response.status_code for response in responses]
    assert (statuses.count(200), statuses.count(429)) == (RATE, 40 - RATE)


def test_a_refusal_says_when_to_come_back(caller: Caller) -> None:
    caller.use_up()

    response = caller.send()

    problem, retry_after = response.json(), response.headers["Retry-After"]
    assert response.headers["Content-Type"] == "application/problem+json"
    assert (response.status_code, problem["code"]) == (429, "throttled")
    assert 86_300 < int(retry_after) <= 86_400
    assert problem["detail"].startswith(
        "This client may send 5 requests in 86400 seconds. Send this one again in "
    )


def test_the_scope_is_checked_before_the_throttle_and_the_method_after(caller: Caller) -> None:
    caller.use_up()

    assert caller.send(has_scope=False).status_code == 403
    assert caller.send("DELETE").status_code == 429
    assert caller.send(path="/timesheets?unknown=1").status_code == 429


def test_a_refused_upload_is_not_received(server: GranianServer, caller: Caller) -> None:
    caller.use_up()
    path, content_type = "/timesheets/upload", "application/json"

    head = write_head(server.port, path, 1000, content_type, Authorization=f"Bearer {caller.token}")
    with open_connections(server.port, 1, head) as [connection]:
        assert receive_status(connection) == 429


def test_nobody_uses_up_the_rate_of_another_client(
    server: GranianServer, issuer_process: Issuer, caller: Caller
) -> None:
    caller.use_up()

    assert Caller(server, issuer_process).send().status_code == 200
    # A request without the scope, or with a token that cannot be trusted, counts for nobody.
    victim = Caller(server, issuer_process)
    for _ in range(RATE + 1):
        assert victim.send(has_scope=False).status_code == 403
    assert victim.send().status_code == 200


@pytest.mark.parametrize(("client", "status"), [("pages", 200), ("tool", 429)])
def test_only_people_of_the_web_client_are_counted_one_by_one(
    server: GranianServer, issuer_process: Issuer, client: str, status: int
) -> None:
    def read(person: str) -> int:
        token = issuer_process.mint(azp=client, sub=person, gty=None, scope="read:timesheets")
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{server.url}/timesheets", headers=headers, timeout=20).status_code

    for _ in range(RATE):
        read("clara")

    assert (read("clara"), read("dora")) == (429, status)


def test_a_busy_database_is_503(database: str, caller: Caller) -> None:
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as other:
        other.execute("BEGIN IMMEDIATE")
        response = caller.send()

    assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")
    assert caller.send().status_code == 200
