"""A server that gets a stop signal answers what it has begun, ends in time, and is replaced under load."""

import json
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.kit.default_database import Database, only_on
from tests.kit.issuer import Issuer
from tests.kit.processes import link_manage_py, make_environment
from tests.kit.raw_http import receive_status
from tests.kit.responders import document
from tests.kit.servers import GranianServer
from tests.kit.waiting import wait_until
from timesheets.models import Timesheet

pytestmark = pytest.mark.survival

ENTRY = {"user_id": "007", "date": "2017-05-10", "project": "StoreZero", "hours": 5}
ONE = json.dumps(ENTRY).encode()
TEN_THOUSAND = json.dumps([ENTRY] * 10_000).encode()
KILL_AFTER_SECONDS = 2
# Entries per request of a client.
BATCH = 10


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


@pytest.fixture
def uploaders(
    two_servers: list[GranianServer], issuer_process: Issuer, tmp_path: Path
) -> Iterator[list["Uploader"]]:
    issuer_process.answers["/token"] = document(
        {"access_token": issuer_process.mint(), "token_type": "Bearer"}
    )
    url = two_servers[0].url
    uploaders = [Uploader(tmp_path, issuer_process.url, url, f"Project-{number}") for number in range(2)]
    yield uploaders
    issuer_process.behave()
    for uploader in uploaders:
        uploader.finish()


@only_on("postgresql")
def test_uploaders_do_not_notice_that_every_server_is_replaced(
    two_servers: list[GranianServer], uploaders: list["Uploader"]
) -> None:
    for server in two_servers:
        feed(uploaders)
        server.send_signal(signal.SIGTERM)
        feed(uploaders)
        assert server.wait() == 0
        feed(uploaders)
        server.start()
        wait_until_it_serves(server, 2)
    feed(uploaders)

    assert [uploader.finish() for uploader in uploaders] == [0, 0]
    assert Timesheet.objects.count() == sum(uploader.sent for uploader in uploaders)


class Uploader:
    """A client that uploads what it is fed, in batches."""

    def __init__(self, folder: Path, issuer_url: str, api_url: str, project: str) -> None:
        self.sent, self._project = 0, project
        self._process = subprocess.Popen(
            [sys.executable, link_manage_py(folder), "upload_timesheet", "--batch-size", str(BATCH), "-"],
            env=make_environment(
                OAUTH_TOKEN_URL=f"{issuer_url}token",
                AUTH0_AUDIENCE="https://timesheets.example.com",
                AUTH0_CLIENT_ID="payroll",
                AUTH0_CLIENT_SECRET="secret",
                TIMESHEETS_API_URL=api_url,
                TIMESHEETS_STATE_DIR=str(folder / project),
            ),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        self._write("user_id,date,project,hours\n")

    def feed(self) -> None:
        self._write(f"007,2026-01-01,{self._project},1\n" * BATCH)
        self.sent += BATCH

    def finish(self) -> int:
        """Return the exit status. Can be called again."""
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
        return self._process.wait(60)

    def _write(self, lines: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(lines)
        self._process.stdin.flush()


def feed(uploaders: list[Uploader]) -> None:
    for _ in range(20):
        for uploader in uploaders:
            uploader.feed()
        time.sleep(0.01)
