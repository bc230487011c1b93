"""A server that gets a stop signal answers what it has begun, ends in time, and is replaced under load."""

import json
import re
import select
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from tests.kit.default_database import Database, only_on
from tests.kit.issuer import Issuer
from tests.kit.raw_http import receive_status
from tests.kit.servers import ENTRY, GranianServer
from tests.kit.waiting import run_beside, wait_until
from timesheets.models import Timesheet

pytestmark = pytest.mark.slow

ONE = json.dumps(ENTRY).encode()
TEN_THOUSAND = json.dumps([ENTRY] * 10_000).encode()
KILL_AFTER_SECONDS = 2


@pytest.fixture
def server(
    database: Database, issuer_process: Issuer, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[GranianServer]:
    """A server with two workers, or with as many as the test asks for."""
    workers = getattr(request, "param", 2)
    options: dict[str, Any] = {"workers": workers, "workers-kill-timeout": KILL_AFTER_SECONDS}
    settings = "tests.settings_metrics"
    server = GranianServer(tmp_path, issuer_process.url, database.url, settings, **options)
    yield server
    server.close()


class Uploads:
    """Connections that have sent an upload, or the beginning of one."""

    def __init__(self, server: GranianServer, token: str, connections: ExitStack) -> None:
        self._server, self._connections = server, connections
        self._head = (
            f"POST /timesheets/upload HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
            f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        )
        self._begun = 0

    def begin(self, body: bytes, length: int | None = None) -> socket.socket:
        """Send the head and the first `length` bytes of the body, and wait until the server handles it.

        A complete upload may be answered by then.
        """
        connection = socket.create_connection(("127.0.0.1", self._server.port), 20)
        self._connections.enter_context(connection)
        connection.sendall(f"{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:length])
        if length is not None:
            self._begun += 1
        # The request for the metrics is busy too.
        busy = self._begun + (2 if length is None else 1)
        wait_until(
            lambda: (
                self._count_busy_threads() >= busy
                or (length is None and select.select([connection], [], [], 0)[0])
            )
        )
        return connection

    def _count_busy_threads(self) -> int:
        page = requests.get(f"{self._server.url}/metrics", timeout=20).text
        [count] = re.findall(r"^timesheets_threads_busy (\d+)", page, re.MULTILINE)
        return int(count)


@pytest.fixture
def uploads(server: GranianServer, issuer_process: Issuer) -> Iterator[Uploads]:
    with ExitStack() as connections:
        yield Uploads(server, issuer_process.mint(), connections)


def tell_the_parent(server: GranianServer) -> None:
    server.send_signal(signal.SIGTERM)


def tell_all_processes_twice(server: GranianServer) -> None:
    """As systemd and terminals do, and then somebody who is impatient."""
    server.send_signal(signal.SIGINT, to_workers=True)
    wait_until_it_refuses_connections(server)
    server.send_signal(signal.SIGTERM, to_workers=True)


def wait_until_it_refuses_connections(server: GranianServer) -> None:
    wait_until(lambda: not server.accepts_connections())


@pytest.mark.parametrize("tell", [tell_the_parent, tell_all_processes_twice])
def test_uploads_that_have_begun_are_answered(
    server: GranianServer, uploads: Uploads, tell: Callable[[GranianServer], None]
) -> None:
    slow = [uploads.begin(ONE, 10) for _ in range(6)]
    large = uploads.begin(TEN_THOUSAND)

    tell(server)
    wait_until_it_refuses_connections(server)
    for connection in slow:
        connection.sendall(ONE[10:])

    assert [receive_status(connection) for connection in [*slow, large]] == [201] * 6 + [207]
    assert server.wait() == 0
    assert Timesheet.objects.count() == 10_006


def test_a_sender_that_never_ends_does_not_keep_the_server_running(
    server: GranianServer, uploads: Uploads
) -> None:
    uploads.begin(ONE, 10)
    slow = uploads.begin(ONE, 10)

    server.send_signal(signal.SIGTERM)
    wait_until_it_refuses_connections(server)
    slow.sendall(ONE[10:])

    assert receive_status(slow) == 201
    assert server.wait() == 0


@only_on("sqlite")
# If two processes close their connections at the same moment, SQLite may leave the log behind.
@pytest.mark.parametrize("server", [1], indirect=True)
def test_a_server_that_stops_closes_its_connections_to_sqlite(
    server: GranianServer, uploads: Uploads, database: Database
) -> None:
    receive_status(uploads.begin(ONE))
    log = Path(f"{database.url.removeprefix('sqlite:///')}-wal")
    assert log.exists()

    server.stop(signal.SIGTERM)

    # The last connection that is closed removes it.
    assert not log.exists()


@pytest.fixture
def two_servers(database: Database, issuer_process: Issuer, tmp_path: Path) -> Iterator[list[GranianServer]]:
    """They share a port, and the system spreads connections over them."""
    servers: list[GranianServer] = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        port = servers[0].port if servers else 0
        server = GranianServer(tmp_path / name, issuer_process.url, database.url, port=port, workers=1)
        servers.append(server)
        wait_until_it_serves(server, 1)
    yield servers
    for server in servers:
        server.close()


def wait_until_it_serves(server: GranianServer, starts: int) -> None:
    """Connections prove nothing, because the other server accepts them too."""
    assert len(server.wait_for_log("Started worker", starts, 30)) == starts


@only_on("postgresql")
def test_who_sends_again_does_not_notice_that_every_server_is_replaced(
    two_servers: list[GranianServer], issuer_process: Issuer
) -> None:
    again = Retry(4, backoff_factor=0.1, status_forcelist=[503], allowed_methods=None)
    headers = {"Authorization": f"Bearer {issuer_process.mint()}"}
    sent = [0, 0]

    def upload(number: int, is_over: threading.Event) -> None:
        with requests.Session() as session:
            session.mount("http://", HTTPAdapter(max_retries=again))
            while not is_over.is_set():
                entry = {**ENTRY, "entry_id": f"{number}-{sent[number]}"}
                url = f"{two_servers[0].url}/timesheets/upload"
                session.post(url, json=entry, headers=headers, timeout=20).raise_for_status()
                sent[number] += 1

    def wait_for_uploads() -> None:
        before = sum(sent)
        wait_until(lambda: sum(sent) >= before + 20)

    with run_beside(2, upload):
        for server in two_servers:
            wait_for_uploads()
            server.send_signal(signal.SIGTERM)
            assert server.wait() == 0
            wait_for_uploads()
            server.start()
            wait_until_it_serves(server, 2)
        wait_for_uploads()

    assert Timesheet.objects.count() == sum(sent)
