"""`manage.py serve` starts the production server, or says why it cannot."""

import ctypes
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.management import call_command

from tests.conftest import StartServer
from tests.kit.default_database import Database
from tests.kit.issuer import Issuer
from tests.kit.processes import PRODUCTION_VARIABLES, link_manage_py, run_python
from tests.kit.raw_http import open_connections, receive_status, write_head
from tests.kit.servers import ENTRY, GranianServer
from tests.kit.serving import serve
from tests.kit.waiting import run_beside, wait_until
from timesheets.models import Client

# So many connections that each worker gets one.
CALLERS = 32
FIFTY_MEGABYTES = 50 * 1024 * 1024
# The number of the system call, which Python does not offer.
_PIDFD_GETFD = 438


@pytest.fixture(scope="module")
def server(granian: StartServer) -> GranianServer:
    server = granian(workers=3)
    # The first one accepts connections before the others have started.
    assert len(server.wait_for_log("Started worker", 3)) == 3
    return server


def run_serve(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return run_python(link_manage_py(folder), "serve", **{**PRODUCTION_VARIABLES, **variables})


def test_the_workers_run_with_the_defaults(server: GranianServer) -> None:
    [worker, *_] = server.find_workers()

    variables = Path(f"/proc/{worker}/environ").read_text().split("\0")

    assert {"MALLOC_ARENA_MAX=2", "GRANIAN_BACKPRESSURE=1024"} <= set(variables)


def test_no_secret_is_on_the_command_line(server: GranianServer) -> None:
    [worker, *_] = server.find_workers()

    words = Path(f"/proc/{worker}/cmdline").read_text().split("\0")

    granian = ["-P", "-m", "granian", "--workers=3", f"--port={server.port}"]
    assert words[1:-1] == [*granian, "timesheets_site.worker:application"]


def test_an_entry_is_created_and_every_line_of_the_log_is_json(
    server: GranianServer, issuer_process: Issuer
) -> None:
    response = server.upload(issuer_process.mint())

    assert response.status_code == 201
    entry, access = map(json.loads, server.wait_for_log(response.headers["X-Request-ID"], count=2))
    assert [entry["logger"], access["logger"]] == ["timesheets.entries", "timesheets.access"]
    assert json.loads(entry["message"]) == {"id": response.json()["id"], **ENTRY}
    loggers = {json.loads(line)["logger"] for line in server.read_log().splitlines()}
    assert {"_granian", "timesheets.entries", "timesheets.access"} <= loggers


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        pytest.param({"aud": "https://other"}, 401, id="bad-token"),
        pytest.param({"scope": "read:timesheets"}, 403, id="without-the-scope"),
        pytest.param({}, 413, id="good-token"),
    ],
)
def test_a_large_upload_is_refused_before_it_is_sent(
    server: GranianServer, issuer_process: Issuer, claims: dict[str, Any], status: int
) -> None:
    bearer, media_type = f"Bearer {issuer_process.mint(**claims)}", "application/json"
    head = write_head(server.port, "/timesheets/upload", FIFTY_MEGABYTES, media_type, Authorization=bearer)

    with open_connections(server.port, 1, head) as [connection]:
        assert receive_status(connection) == status


def test_a_body_without_a_length_is_refused(server: GranianServer, issuer_process: Issuer) -> None:
    headers = {"Authorization": f"Bearer {issuer_process.mint()}", "Content-Type": "application/json"}

    body = iter([json.dumps(ENTRY).encode()])
    response = requests.post(f"{server.url}/timesheets/upload", body, headers=headers, timeout=30)

    assert (response.status_code, response.json()["code"]) == (411, "length_required")


@pytest.mark.slow
def test_every_worker_judges_by_a_decision_two_seconds_after_it(
    server: GranianServer, issuer_process: Issuer, tmp_path: Path
) -> None:
    headers = {"Authorization": f"Bearer {issuer_process.mint(azp='watched', sub='watched@clients')}"}
    answers: list[tuple[int, float, str]] = []
    chosen = tmp_path / "list.csv"
    chosen.write_text("user_id\n008\n")

    def send(number: int, is_over: threading.Event) -> None:
        # A connection stays at its worker.
        with requests.Session() as session:
            while not is_over.is_set():
                begin = time.monotonic()
                url = f"{server.url}/timesheets/upload?dry_run=true"
                response = session.post(url, json=ENTRY, headers=headers, timeout=20)
                answers.append((number, begin, response.json().get("code", "")))

    def decide(*arguments: str) -> set[str]:
        """Return the codes of answers to requests that begin two seconds after the command."""
        assert server.manage(*arguments).returncode == 0
        due = time.monotonic() + 2
        wait_until(lambda: len({number for number, begin, _ in list(answers) if begin >= due}) == CALLERS)
        return {code for _, begin, code in list(answers) if begin >= due}

    before = [count_sockets(worker) for worker in server.find_workers()]
    with run_beside(CALLERS, send):
        wait_until(lambda: len({number for number, *_ in list(answers)}) == CALLERS)
        connected = [count_sockets(worker) for worker in server.find_workers()]
        assert decide("assignments", "set", "watched", str(chosen)) == {"not_assigned"}
        assert decide("clients", "stop", "watched") == {"client_stopped"}

    assert answers[0][2] == ""
    assert all(then < now for then, now in zip(before, connected, strict=True))


def count_sockets(pid: int) -> int:
    return sum(file.is_socket() for file in Path(f"/proc/{pid}/fd").iterdir())


def test_options_and_variables_are_those_of_granian(tmp_path: Path) -> None:
    result = run_serve(tmp_path, GRANIAN_WORKERS="many")

    assert result.returncode == 2
    assert "'many' is not a valid integer" in result.stderr


def test_development_settings_are_refused(settings: Any) -> None:
    settings.DEBUG = True

    status, reason = serve()

    assert status == 78
    assert "DJANGO_SETTINGS_MODULE=timesheets_site.settings_production" in reason


def test_settings_that_the_checks_refuse_are_named(settings: Any) -> None:
    settings.TIMESHEETS_ASSIGNMENTS, settings.TIMESHEETS_MAX_AGE_DAYS = "maybe", -1

    status, reason = serve()

    assert status == 78
    assert "TIMESHEETS_ASSIGNMENTS is 'maybe'." in reason
    assert "TIMESHEETS_MAX_AGE_DAYS is not between" in reason


def test_a_database_that_will_never_answer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "db.sqlite3").write_text("This is not a database, however long anyone waits. " * 20)

    result = run_serve(tmp_path, DATABASE_URL=f"sqlite:///{tmp_path / 'db.sqlite3'}")

    assert result.returncode == 78
    assert result.stderr == (
        f"The database {tmp_path / 'db.sqlite3'} cannot be checked: file is not a database\n"
        "Check DATABASE_URL, and what its user may read.\n"
    )


@pytest.mark.usefixtures("without_the_admin")
def test_clients_of_an_unknown_issuer_are_refused(issuer: Issuer, settings: Any, database: Database) -> None:
    old = "https://old.eu.auth0.com/"
    for number in range(3):
        Client.objects.create(issuer=old, client_id=f"client-{number}")

    status, reason = serve()

    assert status == 78
    assert f"  {old}: 3 clients\n" in reason
    assert f"clients move {old} {issuer.url}" in reason
    assert "OAUTH_FORMER_ISSUERS" in reason
    settings.OAUTH = {**settings.OAUTH, "FORMER_ISSUERS": [old]}
    assert serve() == (0, "")


def test_help_lists_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("serve", "--help")

    assert "GRANIAN_BACKPRESSURE=1024" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can cut off stalled readers")
def test_a_reader_that_takes_nothing_is_cut_off_after_a_minute(server: GranianServer) -> None:
    """Each connection of each worker inherits the limit from the socket that listens."""
    limits = [limit for worker in server.find_workers() for limit in read_limits(worker)]

    assert limits == [60_000] * 3


def read_limits(worker: int) -> list[int]:
    """How many milliseconds the kernel waits for a reader, for each listening socket of the process."""
    limits = []
    for path in Path(f"/proc/{worker}/fd").glob("*"):
        if path.is_socket():
            duplicate = ctypes.CDLL(None).syscall(_PIDFD_GETFD, os.pidfd_open(worker), int(path.name), 0)
            with socket.socket(fileno=duplicate) as opened:
                if opened.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    limits.append(opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))
    return limits
