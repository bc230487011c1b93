"""A PostgreSQL server for tests, from the installed programs, in a temporary folder and on a free port.

It is separate from any server that already runs on the machine, and as durable as one in production.
"""

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.kit.databases import migrate
from tests.kit.processes import find_free_port, make_environment

OLDEST_VERSION = 14
# The shutdown modes of pg_ctl.
_STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_SUPERUSER = "timesheets"


def find_programs() -> Path | None:
    """The folder of the server programs: on PATH, else Debian's newest, else pg_config's."""
    return next((folder for folder in _list_folders() if _read_version(folder) >= OLDEST_VERSION), None)


def _list_folders() -> Iterator[Path]:
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent
    # Debian does not put these programs on PATH, and installs versions side by side.
    debian = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    yield from sorted(debian, key=lambda folder: float(folder.parent.name), reverse=True)
    if pg_config := shutil.which("pg_config"):
        yield Path(_run([pg_config, "--bindir"]).strip())


def _read_version(folder: Path) -> int:
    """The major version of the server; 0 if there is none."""
    if not (folder / "initdb").exists() or not (folder / "postgres").exists():
        return 0
    version = re.search(r" (\d+)", _run([folder / "postgres", "--version"]))
    return int(version[1]) if version else 0


class PostgreSQLServer:
    """Runs from creation until `close`. Tests can stop, kill and start it; its data stays."""

    def __init__(self) -> None:
        programs = find_programs()
        if programs is None:
            raise RuntimeError(f"There is no PostgreSQL of version {OLDEST_VERSION} or newer")
        self.port = find_free_port()
        self._postgres = programs / "postgres"
        # Not below pytest's folder, which only the user who runs the tests may enter.
        self._folder = tempfile.TemporaryDirectory(prefix="postgresql-")
        self._root = Path(self._folder.name)
        self._account = choose_account()
        if self._account:
            os.chown(self._root, self._account["user"], self._account["group"])
        self._process: subprocess.Popen[bytes] | None = None
        self._is_template_migrated = False
        # --no-sync applies to the files of initdb, which need not survive, and not to those of the server.
        options = f"--no-sync --username {_SUPERUSER} --auth trust --locale C.UTF-8 --encoding UTF8".split()
        _run([programs / "initdb", "--pgdata", self._data, *options], cwd=self._root, **self._account)
        self.start()

    @property
    def _data(self) -> Path:
        return self._root / "data"

    def url(self, database: str = "postgres") -> str:
        return f"postgres://{_SUPERUSER}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server if it is not running, and return when it accepts connections."""
        deadline = time.monotonic() + 30
        while not self._accepts_connections():
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start:\n{self._log.read_text()}")
            if self._process is None or self._process.poll() is not None:
                # After a kill, the first attempts may fail until the last of the old processes has ended.
                self._process = self._launch()
            time.sleep(0.05)

    def stop(self, mode: str = "fast") -> None:
        """Stop as pg_ctl does in this mode, and return when all processes have ended."""
        self._end(_STOP_SIGNALS[mode])

    def kill(self) -> None:
        """Kill the main process, as in a crash. The other processes notice this and exit."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        self.stop()
        self._folder.cleanup()

    def create_database(self, name: str, template: str = "template1") -> str:
        """Create a database, by default an empty one, and return its URL."""
        names = map(sql.Identifier, (name, template))
        self.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        return self.url(name)

    def create_migrated_database(self, name: str) -> str:
        """Create a database with its tables, and return its URL."""
        if not self._is_template_migrated:
            migrate(self.create_database("migrated"))
            self._is_template_migrated = True
        return self.create_database(name, "migrated")

    def terminate_backends(self, database: str) -> int:
        """End all connections to a database, whatever they are doing; returns how many there were."""
        statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        return len(self.execute(statement, [database]))

    def execute(self, statement: Any, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement in the database `postgres`, which no test writes to; returns its rows."""
        with psycopg.connect(self.url(), autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    @property
    def _log(self) -> Path:
        return self._root / "server.log"

    def _launch(self) -> subprocess.Popen[bytes]:
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self._root}
        settings = [f"--{name}={value}" for name, value in options.items()]
        with self._log.open("a") as log:
            return subprocess.Popen(
                [self._postgres, "-D", self._data, *settings],
                env=make_environment(),
                cwd=self._root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C must not reach the server; the tests stop it at the end.
                process_group=0,
                **self._account,
            )

    def _accepts_connections(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            return False
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)


def choose_account() -> dict[str, Any]:
    """The account to run as: PostgreSQL refuses to run as root, so root starts it as nobody."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _run(command: list[str | Path], **options: Any) -> str:
    result: subprocess.CompletedProcess[str] = subprocess.run(
        command,
        env=make_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )
    if result.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{result.stdout}{result.stderr}")
    return result.stdout
