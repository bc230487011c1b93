"""How many single entries per second, and how steadily? `python -m benchmarks.single`

Sends one entry per request over 16 and over 64 kept connections to the production server with one worker on
one core, which verifies each token and stores each entry in SQLite or PostgreSQL. The rivals are FastAPI on
uvicorn with uvloop and httptools, on the same core. One verifies the token with PyJWT and stores each entry
in PostgreSQL with asyncpg (`benchmarks/stock/storing.py`). The other verifies the token and stores nothing
(`benchmarks/stock/echo.py`): it is the limit. The load and PostgreSQL run on the other cores.
"""

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from benchmarks.load import Load, send_all
from benchmarks.rows import make_entries
from tests.kit.databases import migrate
from tests.kit.issuer import Issuer
from tests.kit.postgresql import PostgreSQLServer
from tests.kit.processes import find_free_port
from tests.kit.servers import GranianServer, Server

RIVALS = {"FastAPI, asyncpg": "storing", "FastAPI, echo": "echo"}
CONNECTIONS = (16, 64)


@contextmanager
def on_cores(cores: set[int]) -> Iterator[None]:
    """Processes that start in this block run on these cores (Linux only)."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    yield
    os.sched_setaffinity(0, before)


def start_servers(folder: Path, issuer: Issuer, resources: ExitStack) -> Mapping[str, Server]:
    first, *others = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, others or {first})
    postgresql = resources.enter_context(closing(PostgreSQLServer()))
    urls = {"PostgreSQL": postgresql.url(), "SQLite": f"sqlite:///{folder / 'db.sqlite3'}"}
    with on_cores({first}):
        servers: dict[str, Server] = {
            name: start_rival(Path(tempfile.mkdtemp(dir=folder)), issuer, module, postgresql.url())
            for name, module in RIVALS.items()
        }
        for name, url in urls.items():
            migrate(url)
            servers[name] = GranianServer(
                Path(tempfile.mkdtemp(dir=folder)), issuer.url, url, "benchmarks.stock.production", workers=1
            )
    for server in servers.values():
        resources.enter_context(closing(server))
    return servers


def start_rival(folder: Path, issuer: Issuer, module: str, database_url: str) -> Server:
    port = find_free_port()
    options = f"--port {port} --log-level warning --loop uvloop --http httptools"
    command = ["-m", "uvicorn", f"benchmarks.stock.{module}:app", *options.split()]
    variables = {
        "TEST_ISSUER": issuer.url,
        "TEST_DATABASE_URL": database_url,
        "PYTHONPATH": str(Path(__file__).parent.parent),
    }
    return Server(folder, port, command, **variables)


def make_requests(token: str) -> Iterator[bytes]:
    head = (
        "POST /timesheets/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: "
    )
    while True:
        for entry in make_entries(10_000):
            body = json.dumps(entry)
            yield f"{head}{len(body)}\r\n\r\n{body}".encode()


def measure(server: Server, token: str, connections: int, seconds: float) -> tuple[Load, float]:
    """The load, and the seconds of processor time per request."""
    before = server.read_processor_seconds()
    load = send_all(server.port, make_requests(token), connections=connections, seconds=seconds)
    return load, (server.read_processor_seconds() - before) / len(load.seconds)


def compare(servers: Mapping[str, Server], token: str, connections: int, rounds: int, seconds: float) -> None:
    runs: dict[str, list[tuple[Load, float]]] = {name: [] for name in servers}
    for server in servers.values():
        measure(server, token, connections, 1)
    for _ in range(rounds):
        for name, server in servers.items():
            runs[name].append(measure(server, token, connections, seconds))
    print(f"\n{connections} connections, the median of {rounds} rounds; the ratios are to the two rivals")
    print(
        f"{'':16} {'requests/s':>10} {'ratios':>11} {'p50 ms':>7} {'p99 ms':>7} {'p99/p50':>8} {'CPU ms':>7}"
    )
    rates = {name: statistics.median(load.rate for load, _ in runs[name]) for name in servers}
    for name, rate in rates.items():
        ratios = ", ".join(f"{rate / rates[rival]:.2f}" for rival in RIVALS)
        p50 = statistics.median(load.median for load, _ in runs[name])
        p99 = statistics.median(load.p99 for load, _ in runs[name])
        cpu = statistics.median(cpu for _, cpu in runs[name])
        print(
            f"{name:16} {rate:10,.0f} {ratios:>11} {p50 * 1000:7.1f} {p99 * 1000:7.1f} "
            f"{p99 / p50:8.1f} {cpu * 1000:7.2f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with ExitStack() as resources, closing(Issuer()) as issuer:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory()))
        servers = start_servers(folder, issuer, resources)
        for connections in CONNECTIONS:
            compare(servers, issuer.mint(), connections, options.rounds, options.seconds)


if __name__ == "__main__":
    main()
