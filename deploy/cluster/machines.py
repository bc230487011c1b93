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

from tests.kit.postgresql import choose_account, find_programs
from tests.kit.processes import REPOSITORY, find_free_port, link_manage_py, make_environment, run_python
from tests.kit.servers import Server

TEMPLATES = Path(__file__).parent
# Debian's packages, and the program that is needed from each.
PACKAGES = {"etcd-server": "etcd", "patroni": "patroni", "pgbouncer": "pgbouncer", "haproxy": "haproxy"}
# Debian keeps the programs of servers off the PATH of people.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
PORTS = (
    *(f"{name}_port_{number}" for name in ("etcd", "peer", "rest", "node") for number in (1, 2, 3)),
    *(f"{name}_port_{number}" for name in ("pgbouncer", "api") for number in (1, 2)),
    *("primary_port", "public_port"),
)


def find_missing_packages() -> list[str]:
    needs: dict[str, object] = {package: find_program(program) for package, program in PACKAGES.items()}
    needs["postgresql"] = find_programs()
    missing = [package for package, found in needs.items() if not found]
    # Patroni's own package is content with the client of another store.
    return [*missing, "python3-etcd"] if "patroni" in missing else missing


def find_program(name: str) -> str | None:
    return shutil.which(name, path=SEARCH_PATH)


def choose_values() -> dict[str, str]:
    """The values of the templates' placeholders, with free ports and a new password."""
    ports = {name: str(find_free_port()) for name in PORTS}
    members = [f"database-{number}=http://127.0.0.1:{ports[f'peer_port_{number}']}" for number in (1, 2, 3)]
    return {
        **ports,
        "etcd_hosts": ",".join(f"127.0.0.1:{ports[f'etcd_port_{number}']}" for number in (1, 2, 3)),
        "initial_cluster": ",".join(members),
        "password": token_urlsafe(16),
        "programs": str(find_programs()),
    }


def fill_in(template: str, machine: str, values: Mapping[str, str]) -> str:
    """A machine's configuration. On the machine database-2, `${rest_port}` is the value of `rest_port_2`."""
    suffix = f"_{machine[-1]}"
    own = {name.removesuffix(suffix): value for name, value in values.items() if name.endswith(suffix)}
    return Template((TEMPLATES / template).read_text()).substitute({**values, **own, "name": machine})


def wait_until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Raises TimeoutError if `condition` is not true, or cannot be read, for as long as `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(requests.RequestException, psycopg.OperationalError):
            if condition():
                return
        time.sleep(0.1)
    raise TimeoutError(f"Not within {seconds:.0f} s: {what}")


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """`root` has a folder for each machine, and `values` are those of the placeholders."""

    root: Path
    values: Mapping[str, str]

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.values['public_port']}"

    def configure(self, machine: str, *templates: str) -> None:
        """Write a machine's configuration, and give its folder to the account that runs its programs."""
        folder = self.root / machine
        folder.mkdir(mode=0o700)
        for template in templates:
            (folder / template).write_text(fill_in(template, machine, self.values))
        account = choose_account()
        for path in [folder, *folder.iterdir()] if account else []:
            os.chown(path, account["user"], account["group"])

    def start(self, machine: str, program: str, *arguments: str) -> None:
        with (self.root / f"{machine}-{program}.log").open("ab") as log:
            subprocess.Popen(
                [find_program(program) or program, *arguments],
                env=make_environment(),
                cwd=self.root / machine,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C must not reach the programs; they are killed at the end.
                process_group=0,
                **choose_account(),
            )

    def start_api(self, number: int, issuer_url: str) -> None:
        """Start an API process. It uses the second PgBouncer if the first one does not accept connections."""
        folder, port = self.root / f"api-{number}", self.values[f"api_port_{number}"]
        folder.mkdir(mode=0o700)
        ports = f"{self.values['pgbouncer_port_1']},{self.values['pgbouncer_port_2']}"
        hosts = f"?host=127.0.0.1,127.0.0.1&port={ports}"
        command: list[str | Path] = [link_manage_py(folder), "serve", "--workers", "1", "--port", port]
        Server(folder, int(port), command, **self.make_variables("", hosts), TEST_ISSUER=issuer_url)

    def migrate(self) -> None:
        """Create the tables. Not through PgBouncer, since `migrate` sets a timeout for its session."""
        variables = self.make_variables(f"127.0.0.1:{self.values['primary_port']}")
        migration = run_python("-m", "django", "migrate", **variables)
        if migration.returncode:
            raise RuntimeError(migration.stderr)

    def make_variables(self, address: str, query: str = "") -> dict[str, str]:
        """The variables of the API, which connects to the database at an address."""
        return {
            "DJANGO_SETTINGS_MODULE": "tests.settings_server",
            "PYTHONPATH": str(REPOSITORY),
            "TEST_DATABASE_URL": f"postgres://timesheets:{self.values['password']}@{address}/timesheets{query}",
        }

    def execute(self, statement: str, user: str = "timesheets") -> list[tuple[Any, ...]]:
        """Run a statement on the primary, without PgBouncer, in the database named like the user."""
        url = f"postgres://{user}:{self.values['password']}@127.0.0.1:{self.values['primary_port']}/{user}"
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def find_roles(self) -> dict[str, str]:
        """The running database machines by their role in Patroni: leader, sync_standby, replica."""
        for number in (1, 2, 3):
            with suppress(requests.RequestException):
                url = f"http://127.0.0.1:{self.values[f'rest_port_{number}']}/cluster"
                members = requests.get(url, timeout=2).json()["members"]
                running = [member for member in members if member["state"] in ("running", "streaming")]
                return {member["role"]: member["name"] for member in running}
        return {}

    def print_logs(self) -> None:
        """Print the last lines of each program."""
        for log in sorted([*self.root.glob("*.log"), *self.root.glob("api-*/*.log")]):
            lines = log.read_text(errors="replace").splitlines()[-12:]
            print(f"== {log.relative_to(self.root)}", *lines, sep="\n")

    def kill(self, machine: str = "") -> None:
        """Kill all programs of a machine at once, by default of all machines."""
        while pids := find_processes(self.root / machine):
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)


def find_processes(folder: Path) -> list[int]:
    """The ids of the processes whose working directory is in `folder`."""
    pids = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        # A process that has ended has no directory, and those of other users cannot be read.
        with suppress(OSError):
            if link.readlink().is_relative_to(folder):
                pids.append(int(link.parent.name))
    return pids


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
            cluster.print_logs()
            raise
        finally:
            # Another Ctrl-C must not leave programs behind.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            cluster.kill()


def start_databases(cluster: Cluster) -> None:
    for number in (1, 2, 3):
        machine = f"database-{number}"
        cluster.configure(machine, "etcd.yml", "patroni.yml")
        cluster.start(machine, "etcd", "--config-file", "etcd.yml")
        cluster.start(machine, "patroni", "patroni.yml")
    start_proxy(cluster, "haproxy-database")
    wait_until(lambda: len(cluster.find_roles()) == 3, "a primary, a synchronous and an asynchronous standby")
    wait_until(lambda: cluster.execute("SELECT 1", "postgres"), "HAProxy finds the primary")
    for statement in fill_in("database.sql", "postgres", cluster.values).split(";\n"):
        cluster.execute(statement, "postgres")
    cluster.migrate()


def start_api(cluster: Cluster, issuer_url: str) -> None:
    for number in (1, 2):
        cluster.configure(f"pgbouncer-{number}", "pgbouncer.ini", "userlist.txt")
        cluster.start(f"pgbouncer-{number}", "pgbouncer", "pgbouncer.ini")
    for number in (1, 2):
        cluster.start_api(number, issuer_url)
    start_proxy(cluster, "haproxy-api")
    addresses = [f"http://127.0.0.1:{cluster.values[f'api_port_{number}']}/readyz" for number in (1, 2)]
    for address in (*addresses, f"{cluster.api_url}/healthz"):
        wait_until(partial(is_ok, address), f"{address} answers 200")


def is_ok(address: str) -> bool:
    return requests.get(address, timeout=5).ok


def start_proxy(cluster: Cluster, machine: str) -> None:
    cluster.configure(machine, f"{machine}.cfg")
    cluster.start(machine, "haproxy", "-f", f"{machine}.cfg")
