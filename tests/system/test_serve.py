"""`manage.py serve` starts the production server, or says why it cannot."""

import ctypes
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.conftest import StartServer
from tests.kit.databases import create_sqlite
from tests.kit.issuer import Issuer
from tests.kit.processes import PRODUCTION_VARIABLES, link_manage_py, run_python
from tests.kit.servers import GranianServer
from tests.kit.waiting import run_beside, wait_until

# So many connections that each worker gets one.
CALLERS = 32
# The number of the system call, which Python does not offer.
_PIDFD_GETFD = 438

WITHOUT_GRANIAN = """
import sys
sys.modules["granian"] = None
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "serve"])
"""


@pytest.fixture(scope="module")
def server(granian: StartServer) -> GranianServer:
    return granian(workers=3)


def serve(folder: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run_python(link_manage_py(folder), "serve", *options, **{**PRODUCTION_VARIABLES, **variables})


def test_the_workers_run_with_the_defaults(server: GranianServer) -> None:
    [worker, *_] = server.find_workers()

    variables = Path(f"/proc/{worker}/environ").read_text().split("\0")

    assert {"MALLOC_ARENA_MAX=2", "GRANIAN_BACKPRESSURE=1024"} <= set(variables)


def test_no_secret_is_on_the_command_line(server: GranianServer) -> None:
    [worker, *_] = server.find_workers()

    words = Path(f"/proc/{worker}/cmdline").read_text().split("\0")

    expected = [
        "-P",
        "-m",
        "granian",
        "--workers=3",
        f"--port={server.port}",
        "timesheets_site.worker:application",
    ]
    assert words[1:-1] == expected


def test_every_worker_judges_by_a_decision_two_seconds_after_it(
    server: GranianServer, issuer_process: Issuer, tmp_path: Path
) -> None:
    headers = {"Authorization": f"Bearer {issuer_process.mint()}"}
    entry = {"user_id": "007", "date": "2017-05-10", "project": "StoreZero", "hours": 5}
    answers: list[tuple[int, float, str]] = []
    chosen = tmp_path / "list.csv"
    chosen.write_text("user_id\n008\n")

    def upload(number: int, is_over: threading.Event) -> None:
        # A connection stays at its worker.
        with requests.Session() as session:
            while not is_over.is_set():
                begin = time.monotonic()
                url = f"{server.url}/timesheets/upload?dry_run=true"
                response = session.post(url, json=entry, headers=headers, timeout=20)
                answers.append((number, begin, response.json().get("code", "")))

    def decide(*arguments: str) -> set[str]:
        """Return the codes of answers to requests that begin two seconds after the command."""
        assert server.manage(*arguments).returncode == 0
        due = time.monotonic() + 2
        wait_until(lambda: len({number for number, begin, _ in list(answers) if begin >= due}) == CALLERS)
        return {code for _, begin, code in list(answers) if begin >= due}

    assert len(server.wait_for_log("Started worker", 3)) == 3
    before = [count_sockets(worker) for worker in server.find_workers()]
    with run_beside(CALLERS, upload):
        wait_until(lambda: len({number for number, *_ in list(answers)}) == CALLERS)
        connected = [count_sockets(worker) for worker in server.find_workers()]
        assert decide("assignments", "set", "payroll", str(chosen)) == {"not_assigned"}
        assert decide("clients", "stop", "payroll") == {"client_stopped"}
        assert decide("clients", "start", "payroll") == {"not_assigned"}
        assert decide("assignments", "remove", "payroll") == {""}

    assert answers[0][2] == ""
    assert all(then < now for then, now in zip(before, connected, strict=True))


def count_sockets(pid: int) -> int:
    return sum(file.is_socket() for file in Path(f"/proc/{pid}/fd").iterdir())


def test_a_variable_overrides_a_default(tmp_path: Path) -> None:
    result = serve(tmp_path, GRANIAN_WORKERS="many")

    assert result.returncode == 2
    assert "'many' is not a valid integer" in result.stderr


def test_development_settings_are_refused(tmp_path: Path) -> None:
    result = serve(tmp_path, DJANGO_SETTINGS_MODULE="timesheets_site.settings")

    assert result.returncode == 78
    assert "DJANGO_SETTINGS_MODULE=timesheets_site.settings_production" in result.stderr


def test_settings_that_the_checks_refuse_are_named(tmp_path: Path) -> None:
    result = serve(tmp_path, TIMESHEETS_ASSIGNMENTS="maybe", TIMESHEETS_MAX_AGE_DAYS="-1")

    assert result.returncode == 78
    assert "TIMESHEETS_ASSIGNMENTS is 'maybe'." in result.stderr
    assert "TIMESHEETS_MAX_AGE_DAYS is not between" in result.stderr


def test_without_granian_it_says_how_to_install_it() -> None:
    result = run_python("-c", WITHOUT_GRANIAN, **PRODUCTION_VARIABLES)

    assert result.returncode == 78
    assert result.stderr == "granian is not installed: python -m pip install -r requirements.txt\n"


def test_a_database_that_will_never_answer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "db.sqlite3").write_text("This is not a database, however long anyone waits. " * 20)

    result = serve(tmp_path, DATABASE_URL=f"sqlite:///{tmp_path / 'db.sqlite3'}")

    assert result.returncode == 78
    assert result.stderr == (
        f"The database {tmp_path / 'db.sqlite3'} cannot be checked: file is not a database\n"
        "Check DATABASE_URL, and what its user may read.\n"
    )


def test_clients_of_an_unknown_issuer_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "db.sqlite3"
    url = create_sqlite(file)
    with closing(sqlite3.connect(file)) as database, database:
        for number in range(3):
            database.execute(
                "INSERT INTO timesheets_client (issuer, client_id) VALUES (?, ?)",
                ["https://old.eu.auth0.com/", f"client-{number}"],
            )

    refused = serve(tmp_path, DATABASE_URL=url)
    # The next reason to refuse, which granian itself finds and gives its exit status.
    accepted = serve(
        tmp_path, "--no-such-option", DATABASE_URL=url, OAUTH_FORMER_ISSUERS="https://old.eu.auth0.com/"
    )

    assert refused.returncode == 78
    assert "  https://old.eu.auth0.com/: 3 clients\n" in refused.stderr
    assert "clients move https://old.eu.auth0.com/ https://example.eu.auth0.com/" in refused.stderr
    assert "OAUTH_FORMER_ISSUERS" in refused.stderr
    assert accepted.returncode == 2
    assert "No such option" in accepted.stderr


def test_help_lists_the_defaults(tmp_path: Path) -> None:
    result = serve(tmp_path, "--help")

    assert result.returncode == 0
    assert "GRANIAN_BACKPRESSURE=1024" in result.stdout


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


def test_a_signal_stops_it_cleanly(server: GranianServer) -> None:
    assert server.stop(signal.SIGINT) == 0
    server.start()
    assert server.stop(signal.SIGTERM) == 0
