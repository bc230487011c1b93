"""Our programs as processes of their own, in an environment with nothing of the developer's."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

REPOSITORY = Path(__file__).parent.parent
# What Python and the system need to start a program; nothing that configures ours.
_INHERITED = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "LANG")


def make_environment(**variables: str) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", **variables}


def link_manage_py(folder: Path) -> Path:
    """A manage.py that finds no `.env` but one in `folder`."""
    link = folder / "manage.py"
    if not link.is_symlink():
        link.symlink_to(REPOSITORY / "manage.py")
    return link


def run_python(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=make_environment(**variables),
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class DevelopmentServer:
    """`manage.py runserver` with the development issuer and a database of its own, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.port = find_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = folder / "db.sqlite3"
        # A second is enough to see that a database is busy.
        self.variables = {
            "DATABASE_URL": f"sqlite:///{self.database}?timeout=1",
            "TIMESHEETS_DEV_PORT": str(self.port),
        }
        self._manage_py = link_manage_py(folder)
        self._log = folder / "server.log"
        self.manage("migrate")
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, self._manage_py, "runserver", "--noreload", f"127.0.0.1:{self.port}"],
                env=make_environment(**self.variables),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_until_it_answers()

    def manage(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a management command beside the server, in the same environment."""
        return run_python(self._manage_py, *arguments, **{**self.variables, **variables})

    def read_log(self) -> str:
        return self._log.read_text()

    def wait_for_log(self, text: str, count: int) -> list[str]:
        """The lines of the log that hold `text`: as soon as there are `count`, else what 5 seconds bring."""
        deadline = time.monotonic() + 5
        while True:
            lines = [line for line in self.read_log().splitlines() if text in line]
            if len(lines) >= count or time.monotonic() > deadline:
                return lines
            time.sleep(0.05)

    def get_token(self, client: str = "payroll") -> str:
        answer = requests.post(
            f"{self.url}/oauth/token",
            json={
                "grant_type": "client_credentials",
                "client_id": client,
                "client_secret": f"development-secret-of-{client}",
                "audience": "https://timesheets.example.com",
            },
            timeout=10,
        )
        return str(answer.json()["access_token"])

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _wait_until_it_answers(self) -> None:
        for _ in range(150):
            if self._process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise RuntimeError(f"The server does not answer:\n{self.read_log()}")


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
