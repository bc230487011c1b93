"""How many single entries per second, and how steadily? `python -m benchmarks.single`

Sends one entry per request over 16 and over 64 kept connections to the production server with one worker on
one core, which verifies each token and stores each entry in SQLite or PostgreSQL. The rivals are FastAPI on
uvicorn with uvloop and httptools, on the same core (`benchmarks/stock/rival.py`). One verifies the token with
PyJWT, stores each entry in PostgreSQL with asyncpg, and prints it, as the API does. The other verifies the
token, and stores and prints nothing: it is the limit. The load and PostgreSQL run on the other cores.
"""

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from benchmarks.load import send_all
from benchmarks.rows import make_entries
from tests.kit.databases import migrate
from tests.kit.issuer import Issuer
from tests.kit.postgresql import PostgreSQLServer
from tests.kit.processes import REPOSITORY, find_free_port
from tests.kit.servers import GranianServer, Server

# The rivals, and their paths.
RIVALS = {"FastAPI, asyncpg": "/store", "FastAPI, echo": "/echo"}
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
        rival = resources.enter_context(closing(start_rival(folder, issuer, postgresql.url())))
        servers = dict.fromkeys(RIVALS, rival)
        for name, url in urls.items():
            migrate(url)
            own = Path(tempfile.mkdtemp(dir=folder))
            server = GranianServer(own, issuer.url, url, "benchmarks.stock.settings", workers=1)
            servers[name] = resources.enter_context(closing(server))
    return servers


def start_rival(folder: Path, issuer: Issuer, database_url: str) -> Server:
    port = find_free_port()
    options = f"--port {port} --log-level warning --loop uvloop --http httptools"
    command = ["-m", "uvicorn", "benchmarks.stock.rival:app", *options.split()]
    variables = {"TEST_ISSUER": issuer.url, "TEST_DATABASE_URL": database_url, "PYTHONPATH": str(REPOSITORY)}
    return Server(folder, port, command, **variables)


def make_requests(path: str, token: str) -> Iterator[bytes]:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: "
    )
    while True:
        for entry in make_entries(10_000):
            body = json.dumps(entry)
            yield f"{head}{len(body)}\r\n\r\n{body}".encode()


def measure(name: str, server: Server, token: str, connections: int, seconds: float) -> tuple[float, ...]:
    """Requests a second; the median, the 99th percentile and the processor time of one, in milliseconds."""
    requests = make_requests(RIVALS.get(name, "/timesheets/upload"), token)
    before = server.read_processor_seconds()
    rate, taken = send_all(server.port, requests, connections=connections, seconds=seconds)
    processor_seconds = (server.read_processor_seconds() - before) / len(taken)
    p99 = sorted(taken)[len(taken) * 99 // 100]
    return rate, statistics.median(taken) * 1000, p99 * 1000, processor_seconds * 1000


def compare(servers: Mapping[str, Server], token: str, connections: int, rounds: int, seconds: float) -> None:
    runs: dict[str, list[tuple[float, ...]]] = {name: [] for name in servers}
    for name, server in servers.items():
        measure(name, server, token, connections, 1)
    for _ in range(rounds):
        for name, server in servers.items():
            runs[name].append(measure(name, server, token, connections, seconds))
    medians = {name: [statistics.median(each) for each in zip(*runs[name], strict=True)] for name in servers}
    print(f"\n{connections} connections, the median of {rounds} rounds; the ratios are to the two rivals")
    print(
        f"{'':16} {'requests/s':>10} {'ratios':>11} {'p50 ms':>7} {'p99 ms':>7} {'p99/p50':>8} {'CPU ms':>7}"
    )
    for name, (rate, p50, p99, cpu) in medians.items():
        ratios = ", ".join(f"{rate / medians[rival][0]:.2f}" for rival in RIVALS)
        print(f"{name:16} {rate:10,.0f} {ratios:>11} {p50:7.1f} {p99:7.1f} {p99 / p50:8.1f} {cpu:7.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, closing(Issuer()) as issuer, ExitStack() as resources:
        servers = start_servers(Path(name), issuer, resources)
        for connections in CONNECTIONS:
            compare(servers, issuer.mint(), connections, options.rounds, options.seconds)


if __name__ == "__main__":
    main()
