"""The project's servers, in separate processes."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import requests

from tests.kit.databases import create_sqlite
from tests.kit.processes import REPOSITORY, find_free_port, link_manage_py, make_environment, run_python

ENTRY = {"user_id": "007", "date": "2017-05-10T17:40:20.095Z", "project": "StoreZero", "hours": 5}


class Server:
    """An HTTP server in a separate process, with its log in `folder`."""

    def __init__(self, folder: Path, port: int, command: Sequence[str | Path], **variables: str) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._folder, self._command, self._variables = folder, command, variables
        self._log = folder / "server.log"
        self._log.write_text("")
        self.start()

    def start(self) -> None:
        """Start the server, or restart it after `kill`. It accepts connections when this returns."""
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self._command],
                env=make_environment(**self._variables),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # `kill` ends the whole group, including the workers.
                process_group=0,
            )
        self._wait_until_it_listens()

    def stop(self, number: signal.Signals) -> int:
        """Send a signal and return the exit status."""
        self.send_signal(number)
        return self.wait()

    def send_signal(self, number: signal.Signals, *, to_workers: bool = False) -> None:
        if to_workers:
            os.killpg(self._process.pid, number)
        else:
            self._process.send_signal(number)

    def wait(self) -> int:
        """Return the exit status, once the server has ended."""
        return self._process.wait(15)

    def kill(self) -> None:
        """Kill the server and all its workers."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        # Until its last worker is dead, the old server accepts connections, which `start` must not see.
        while self.accepts_connections():
            time.sleep(0.05)

    def read_log(self) -> str:
        return self._log.read_text()

    def wait_for_log(self, text: str, count: int, seconds: float = 30) -> list[str]:
        """Return the log's lines that contain `text`, once there are `count` of them or after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            lines = [line for line in self.read_log().splitlines() if text in line]
            if len(lines) >= count or time.monotonic() > deadline:
                return lines
            time.sleep(0.05)

    def upload(self, token: str, body: object = ENTRY, query: str = "", **headers: str) -> requests.Response:
        """Upload on a connection of its own, which any worker may accept."""
        url, sent = f"{self.url}/timesheets/upload{query}", {"Authorization": f"Bearer {token}", **headers}
        return requests.post(url, json=body, headers=sent, timeout=30)

    def manage(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a management command in the server's environment."""
        return run_python(self._command[0], *arguments, **{**self._variables, **variables})

    def start_to_manage(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a management command in the server's environment."""
        return subprocess.Popen(
            [sys.executable, self._command[0], *arguments],
            env=make_environment(**self._variables),
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def find_workers(self) -> list[int]:
        """Return the process ids of the workers (Linux only)."""
        pid = self._process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def read_processor_seconds(self) -> float:
        """Return the processor time that all processes have used so far (Linux only)."""
        pids = [self._process.pid, *self.find_workers()]
        fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
        return sum(int(user) + int(system) for user, system in (each[11:13] for each in fields)) / os.sysconf(
            "SC_CLK_TCK"
        )

    def close(self) -> None:
        """Stop the server. Kill it if open connections keep it running."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self.kill()

    def accepts_connections(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + 60
        while self._process.poll() is None and time.monotonic() < deadline:
            if self.accepts_connections():
                return
            time.sleep(0.05)
        raise RuntimeError(f"The server does not start:\n{self.read_log()}")


class DevelopmentServer(Server):
    """`manage.py runserver` with the development issuer and a new database."""

    def __init__(self, folder: Path, **variables: str) -> None:
        port = find_free_port()
        self.database = folder / "db.sqlite3"
        self.variables = {
            # A busy database fails after one second.
            "DATABASE_URL": f"sqlite:///{self.database}?timeout=1",
            "TIMESHEETS_DEV_PORT": str(port),
            # No test finds another test's token in the cache.
            "TIMESHEETS_STATE_DIR": str(folder / "state"),
            **variables,
        }
        create_sqlite(self.database, "timesheets_site.settings")
        command: list[str | Path] = [link_manage_py(folder), "runserver", "--noreload", f"127.0.0.1:{port}"]
        super().__init__(folder, port, command, **self.variables)

    def get_token(self, client: str = "payroll") -> str:
        response = requests.post(
            f"{self.url}/oauth/token",
            json={
                "grant_type": "client_credentials",
                "client_id": client,
                "client_secret": f"development-secret-of-{client}",
                "audience": "https://timesheets.example.com",
            },
            timeout=10,
        )
        return str(response.json()["access_token"])


class GranianServer(Server):
    """The production server, `manage.py serve`, which trusts the issuer at `issuer_url`.

    It uses a new database in `folder`, unless `database_url` names another one, which has its tables.
    Servers can share a port.
    """

    def __init__(
        self,
        folder: Path,
        issuer_url: str,
        database_url: str | None = None,
        settings: str = "tests.settings_server",
        port: int = 0,
        **options: object,
    ) -> None:
        port = port or find_free_port()
        variables = {
            "DJANGO_SETTINGS_MODULE": settings,
            # The test settings are in this folder.
            "PYTHONPATH": str(REPOSITORY),
            "TEST_DATABASE_URL": database_url or create_sqlite(folder / "db.sqlite3", settings),
            "TEST_ISSUER": issuer_url,
            "TMPDIR": str(folder),
        }
        manage_py = link_manage_py(folder)
        changes = [f"--{name}={value}" for name, value in {**options, "port": port}.items()]
        super().__init__(folder, port, [manage_py, "serve", *changes], **variables)

    def replace_workers(self) -> None:
        """Start new workers. They accept connections, and the old ones are gone, when this returns."""
        old = set(self.find_workers())
        self._process.send_signal(signal.SIGHUP)
        while old & set(self.find_workers()):
            time.sleep(0.05)
        self._wait_until_it_listens()

    def read_peak_memory(self) -> int:
        """Return the sum of the peak memory of all processes, in bytes (Linux only)."""
        pids = [self._process.pid, *self.find_workers()]
        statuses = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
        return sum(int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024 for status in statuses)
