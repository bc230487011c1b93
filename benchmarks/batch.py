"""How many entries a second? `python -m benchmarks.batch [--million]`

Over HTTP, on the production server with one worker, on SQLite and on PostgreSQL: uploads of 1, 100, 1,000 and
10,000 entries, beside a stock DRF endpoint, beside one POST for each entry on a kept connection, and
beside the database alone, which gets ready rows into the same table in transactions of the same size.
With --million instead: a million entries in uploads of 1,000, the pace of each tenth and the server's memory.
"""

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import requests

from benchmarks.rows import Row, copy_rows, execute_many, make_entries, make_rows
from tests.issuer import Issuer
from tests.postgresql import PostgreSQLServer
from tests.processes import GranianServer

AUDIENCE = "https://timesheets.example.com"
# Entries in an upload, and how many uploads are timed in a round.
UPLOADS = {1: 200, 100: 50, 1_000: 15, 10_000: 3}
ROUNDS = 3
MILLION = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A database, the server that stores in it, and its own way to take ready rows."""

    name: str
    server: GranianServer
    insert: Callable[[Sequence[Row]], None]


@contextmanager
def open_subject(name: str, issuer: Issuer) -> Iterator[Subject]:
    with ExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory()))
        if name == "SQLite":
            path = folder / "db.sqlite3"
            url = f"sqlite:///{path}"
            insert = lambda rows: insert_into_sqlite(path, rows)  # noqa: E731
        else:
            postgresql = PostgreSQLServer()
            resources.callback(postgresql.close)
            url = postgresql.url()
            insert = lambda rows: insert_into_postgresql(url, rows)  # noqa: E731
        server = GranianServer(folder, issuer.url, url, settings="benchmarks.stock.settings", workers=1)
        resources.callback(server.close)
        yield Subject(name=name, server=server, insert=insert)


def insert_into_sqlite(path: Path, rows: Sequence[Row]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as database:
        database.execute("PRAGMA synchronous = FULL")
        execute_many(database, rows)


def insert_into_postgresql(url: str, rows: Sequence[Row]) -> None:
    with psycopg.connect(url) as database:
        copy_rows(database, rows)


class Uploader:
    """Posts ready-made bodies on one connection."""

    def __init__(self, subject: Subject, issuer: Issuer) -> None:
        self._url = subject.server.url
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {issuer.mint()}"
        self._session.headers["Content-Type"] = "application/json"

    def post(self, path: str, body: bytes) -> None:
        response = self._session.post(f"{self._url}{path}", body, timeout=600)
        response.raise_for_status()


def time_all(uses: Sequence[Callable[[], object]]) -> float:
    begin = time.perf_counter()
    for use in uses:
        use()
    return time.perf_counter() - begin


def compare(subject: Subject, issuer: Issuer) -> None:
    """Print a line for each size of upload: entries a second of each way, and how ours compares."""
    uploader = Uploader(subject, issuer)
    uploader.post("/timesheets/upload", b"[]")
    print(f"\n{subject.name}: entries a second, the median of {ROUNDS} rounds")
    print(f"{'an upload':>10} {'ours':>9} {'stock DRF':>9} {'one by one':>10} {'database':>9}  ours to each")
    one_by_one = 0.0
    for size, uploads in UPLOADS.items():
        rounds = [time_ways(subject, uploader, size, uploads) for _ in range(ROUNDS)]
        ours, stock, database = (statistics.median(pace) for pace in zip(*rounds, strict=True))
        one_by_one = one_by_one or ours
        ratios = ", ".join(f"{ours / rival:.2f}" for rival in (stock, one_by_one, database))
        print(f"{size:>10,} {ours:>9,.0f} {stock:>9,.0f} {one_by_one:>10,.0f} {database:>9,.0f}  {ratios}")


def time_ways(subject: Subject, uploader: Uploader, size: int, uploads: int) -> tuple[float, float, float]:
    """Entries a second: ours, the stock endpoint's, and the database's. One entry goes as an object."""

    def make_bodies() -> list[bytes]:
        batches = [list(make_entries(size)) for _ in range(uploads)]
        return [json.dumps(batch if size > 1 else batch[0]).encode() for batch in batches]

    ours = [lambda body=body: uploader.post("/timesheets/upload", body) for body in make_bodies()]
    stock_bodies = make_bodies() if size > 1 else [b"[" + body + b"]" for body in make_bodies()]
    stock = [lambda body=body: uploader.post("/stock", body) for body in stock_bodies]
    portions = [make_rows(size, client_id=1) for _ in range(uploads)]
    rows = [lambda portion=portion: subject.insert(portion) for portion in portions]
    total = size * uploads
    return total / time_all(ours), total / time_all(stock), total / time_all(rows)


def upload_a_million(subject: Subject, issuer: Issuer) -> None:
    """Print the pace of each tenth of a million entries, and the server's memory at its peak."""
    uploader = Uploader(subject, issuer)
    print(f"\n{subject.name}: a million entries in uploads of 1,000")
    for tenth in range(10):
        bodies = [json.dumps(list(make_entries(1_000))).encode() for _ in range(MILLION // 10_000)]
        taken = time_all([lambda body=body: uploader.post("/timesheets/upload", body) for body in bodies])
        pace, memory = MILLION / 10 / taken, subject.server.read_peak_memory() / 2**20
        print(f"{tenth + 1:>3}. hundred thousand: {pace:>8,.0f} entries a second, memory {memory:,.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--million", action="store_true", help="upload a million entries instead")
    measure = upload_a_million if parser.parse_args().million else compare
    issuer = Issuer(audience=AUDIENCE)
    for name in ("SQLite", "PostgreSQL"):
        with open_subject(name, issuer) as subject:
            measure(subject, issuer)
    issuer.close()


if __name__ == "__main__":
    main()
