"""After any failure during an upload, running it again stores each entry exactly once.

UPLOAD_SURVIVAL_ROUNDS is how often each failure is repeated. The default is 2.
"""

import os
import random
import socket
import socketserver
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import takewhile
from pathlib import Path

import pytest

from tests.kit.processes import REPOSITORY, link_manage_py, make_environment
from tests.kit.servers import DevelopmentServer
from tests.kit.waiting import wait_until

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("UPLOAD_SURVIVAL_ROUNDS", "2"))
ENTRIES = 1_000
BATCH = 50


@pytest.fixture
def week(tmp_path: Path) -> "Week":
    return Week(tmp_path)


class Week:
    """A file of entries for its own project, some of them equal."""

    numbers = iter(range(1, 1_000_000))

    def __init__(self, folder: Path) -> None:
        self.project = f"Survival-{next(self.numbers)}"
        self.path = folder / f"{self.project}.csv"
        rows = [f"{number % 7:03},2026-01-{1 + number % 28:02},{self.project},1" for number in range(ENTRIES)]
        self.path.write_text("\n".join(["user_id,date,project,hours", *rows, ""]))

    def count_stored(self, server: DevelopmentServer) -> int:
        query = "SELECT count(*) FROM timesheets_timesheet WHERE project = ?"
        with closing(sqlite3.connect(server.database, timeout=30)) as database:
            return int(database.execute(query, [self.project]).fetchone()[0])


def start(server: DevelopmentServer, week: Week, *options: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, link_manage_py(week.path.parent), "upload_timesheet", week.path),
            *("--batch-size", str(BATCH), *options),
        ],
        env=make_environment(**{**server.variables, **variables}),
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def find_problems(err: str) -> list[str]:
    """The lines that are not about a wait."""
    return [line for line in err.splitlines() if not line.startswith("waiting ")]


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    with process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.parametrize("number", range(ROUNDS))
def test_the_next_run_completes_a_killed_run(server: DevelopmentServer, week: Week, number: int) -> None:
    chance = random.Random(number)  # noqa: S311  Not for cryptography.
    first = start(server, week)
    if number % 2:
        wait_until(lambda: week.count_stored(server) > 0 or first.poll() is not None)
    time.sleep(chance.uniform(0, 0.6))

    first.kill()
    finish(first)
    status, out, err = finish(start(server, week))

    assert (status, err) == (0, "")
    assert f"{ENTRIES} entries" in out
    assert week.count_stored(server) == ENTRIES


class CuttingProxy(socketserver.ThreadingTCPServer):
    """Forwards requests to a server, and breaks the connections of the first ones as `cuts` says."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, cuts: list[str]) -> None:
        self.port, self.cuts = port, cuts
        super().__init__(("127.0.0.1", 0), _Passage)
        threading.Thread(target=self.serve_forever, args=[0.01], daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Broken connections are intended."""


class _Passage(socketserver.StreamRequestHandler):
    server: CuttingProxy

    def handle(self) -> None:
        while head := self._read_head():
            cut = self.server.cuts.pop(0) if self.server.cuts else ""
            if cut == "before":
                return
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            body = self.rfile.read(length)
            with socket.create_connection(("127.0.0.1", self.server.port)) as upstream:
                if cut == "in the body":
                    upstream.sendall(head + body[: length // 2])
                    return
                upstream.sendall(head.replace(b"keep-alive", b"close") + body)
                answer = upstream.makefile("rb").read()
            if cut == "after the commit":
                return
            self.request.sendall(answer if cut != "in the answer" else answer[: len(answer) // 2])
            # The server closed the connection, as its response says.
            return

    def _read_head(self) -> bytes:
        lines = list(takewhile(lambda line: line.strip(), iter(self.rfile.readline, None)))
        return b"".join([*lines, b"\r\n"]) if lines else b""


@pytest.mark.parametrize("cut", ["before", "in the body", "after the commit", "in the answer"])
def test_a_broken_connection_costs_an_attempt_but_no_entry(
    server: DevelopmentServer, week: Week, cut: str
) -> None:
    with CuttingProxy(server.port, [cut, "", cut, cut]) as proxy:
        status, out, err = finish(start(server, week, **set_all_variables(server, api=proxy.url)))
        proxy.shutdown()

    assert (status, find_problems(err), proxy.cuts) == (0, [], [])
    assert f"{ENTRIES} entries" in out
    assert week.count_stored(server) == ENTRIES


def set_all_variables(server: DevelopmentServer, *, api: str = "", issuer: str = "") -> dict[str, str]:
    """Explicit variables for the client of the development issuer."""
    return {
        "OAUTH_TOKEN_URL": f"{issuer or server.url}/oauth/token",
        "AUTH0_AUDIENCE": "https://timesheets.example.com",
        "AUTH0_CLIENT_ID": "payroll",
        "AUTH0_CLIENT_SECRET": "development-secret-of-payroll",
        "TIMESHEETS_API_URL": api or server.url,
    }


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[DevelopmentServer]:
    with closing(DevelopmentServer(tmp_path)) as server:
        yield server


def test_a_run_waits_for_an_api_that_restarts(own_server: DevelopmentServer, week: Week) -> None:
    # Enough for a server that starts on a busy machine.
    process = start(own_server, week, "--retries", "20")
    wait_until(lambda: week.count_stored(own_server) > 0)

    own_server.kill()
    own_server.start()
    status, _, err = finish(process)

    assert (status, find_problems(err)) == (0, [])
    assert week.count_stored(own_server) == ENTRIES
