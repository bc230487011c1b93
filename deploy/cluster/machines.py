"""Start and kill what several machines would run: each machine is a folder, and its programs run in it."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from secrets import token_urlsafe
from string import Template
from typing import Any

import psycopg
import requests

from tests.kit import waiting
from tests.kit.postgresql import choose_account, find_programs
from tests.kit.processes import REPOSITORY, find_free_port, make_environment, run_python
from tests.kit.servers import Server

TEMPLATES = Path(__file__).parent
PORTS = (
    *(f"{name}_port_{number}" for name in ("etcd", "peer", "rest", "node") for number in (1, 2, 3)),
    *(f"{name}_port_{number}" for name in ("pgbouncer", "api") for number in (1, 2)),
    *("primary_port", "public_port"),
)


def find_program(name: str) -> str | None:
    """The path of a program. Debian keeps those of servers off the PATH of people."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))


def choose_values() -> dict[str, str]:
    """The values of the templates' placeholders, with free ports and a new password."""
    ports = {name: str(find_free_port()) for name in PORTS}
    return {**ports, "password": token_urlsafe(16), "programs": str(find_programs())}


def fill_in(template: str, machine: str, values: Mapping[str, str]) -> str:
    """A machine's configuration. On the machine database-2, `${rest_port}` is the value of `rest_port_2`."""
    suffix = f"_{machine[-1]}"
    own = {name.removesuffix(suffix): value for name, value in values.items() if name.endswith(suffix)}
    return Template((TEMPLATES / template).read_text()).substitute({**values, **own, "name": machine})


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until `condition` is true, and can be read. Raises TimeoutError after a minute."""

    def is_met() -> bool:
        with suppress(requests.RequestException, psycopg.OperationalError):
            return bool(condition())
        return False

    waiting.wait_until(is_met, 60)


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """`root` has a folder for each machine, and `values` are those of the placeholders."""

    root: Path
    values: Mapping[str, str]

    def find_url(self, port: str) -> str:
        return f"http://127.0.0.1:{self.values[port]}"

    def start(self, machine: str, templates: str, *commands: str) -> None:
        """Write a machine's configuration, and start its programs with the account that may run them."""
        folder, account = self.root / machine, choose_account()
        folder.mkdir(mode=0o700)
        for template in templates.split():
            (folder / template).write_text(fill_in(template, machine, self.values))
        if account:
            os.chown(folder, account["user"], account["group"])
        for program, *arguments in map(str.split, commands):
            with (self.root / f"{machine}-{program}.log").open("wb") as log:
                subprocess.Popen(
                    [find_program(program) or program, *arguments],
                    env=make_environment(),
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    # Ctrl-C must not reach the programs; they are killed at the end.
                    process_group=0,
                    **account,
                )

    def make_variables(self, query: str) -> dict[str, str]:
        """The variables of the API, which connects to the first of the databases that accepts it."""
        return {
            "DJANGO_SETTINGS_MODULE": "tests.settings_server",
            "PYTHONPATH": str(REPOSITORY),
            "TEST_DATABASE_URL": f"postgres://timesheets:{self.values['password']}@/timesheets?{query}",
        }

    def execute(self, statement: str, user: str = "timesheets") -> list[tuple[Any, ...]]:
        """Run a statement on the primary, without PgBouncer, in the database named like the user."""
        url = f"postgres://{user}:{self.values['password']}@127.0.0.1:{self.values['primary_port']}/{user}"
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def find_roles(self) -> dict[str, str]:
        """The running database machines by their role in Patroni: leader, sync_standby, replica."""
        members = requests.get(f"{self.find_url('rest_port_1')}/cluster", timeout=2).json()["members"]
        running = [member for member in members if member["state"] in ("running", "streaming")]
        return {member["role"]: member["name"] for member in running}

    def kill(self, machine: str = "") -> None:
        """Kill all programs of a machine at once, by default of all machines."""
        while pids := list(find_processes(self.root / machine)):
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)


def find_processes(folder: Path) -> Iterator[int]:
    """The ids of the processes whose working directory is in `folder`."""
    for link in Path("/proc").glob("[0-9]*/cwd"):
        # A process that has ended has no directory, and those of other users cannot be read.
        with suppress(OSError):
            if link.readlink().is_relative_to(folder):
                yield int(link.parent.name)


@contextmanager
def open_cluster(issuer_url: str) -> Iterator[Cluster]:
    """A cluster whose API trusts the issuer. At the end, its processes are killed and its files deleted."""
    with tempfile.TemporaryDirectory(prefix="cluster-") as name:
        # The machines' programs may pass through it, as root starts them as nobody.
        Path(name).chmod(0o711)
        cluster = Cluster(root=Path(name).resolve(), values=choose_values())
        try:
            start_databases(cluster)
            start_api(cluster, issuer_url)
            yield cluster
        except Exception:
            for log in cluster.root.rglob("*.log"):
                print(f"== {log.name}", *log.read_text(errors="replace").splitlines()[-12:], sep="\n")
            raise
        finally:
            cluster.kill()


def start_databases(cluster: Cluster) -> None:
    for number in (1, 2, 3):
        programs = ("etcd --config-file etcd.yml", "patroni patroni.yml")
        cluster.start(f"database-{number}", "etcd.yml patroni.yml", *programs)
    cluster.start("haproxy-database", "haproxy-database.cfg", "haproxy -f haproxy-database.cfg")
    # A primary, a synchronous and an asynchronous standby.
    wait_until(lambda: len(cluster.find_roles()) == 3)
    wait_until(lambda: cluster.execute("SELECT 1", "postgres"))
    for statement in fill_in("database.sql", "postgres", cluster.values).split(";\n"):
        cluster.execute(statement, "postgres")
    # Not through PgBouncer, since `migrate` sets a timeout for its session.
    variables = cluster.make_variables(f"host=127.0.0.1&port={cluster.values['primary_port']}")
    run_python("-m", "django", "migrate", **variables).check_returncode()


def start_api(cluster: Cluster, issuer_url: str) -> None:
    for number in (1, 2):
        cluster.start(f"pgbouncer-{number}", "pgbouncer.ini userlist.txt", "pgbouncer pgbouncer.ini")
    ports = f"{cluster.values['pgbouncer_port_1']},{cluster.values['pgbouncer_port_2']}"
    variables = cluster.make_variables(f"host=127.0.0.1,127.0.0.1&port={ports}")
    for number in (1, 2):
        folder, port = cluster.root / f"api-{number}", cluster.values[f"api_port_{number}"]
        folder.mkdir(mode=0o700)
        command = ["-m", "django", "serve", "--workers=1", f"--port={port}"]
        Server(folder, int(port), command, TEST_ISSUER=issuer_url, **variables)
    cluster.start("haproxy-api", "haproxy-api.cfg", "haproxy -f haproxy-api.cfg")
    for address in ("api_port_1/readyz", "api_port_2/readyz", "public_port/healthz"):
        port, path = address.split("/")
        wait_until(partial(is_ok, f"{cluster.find_url(port)}/{path}"))


def is_ok(url: str) -> bool:
    return requests.get(url, timeout=5).ok
