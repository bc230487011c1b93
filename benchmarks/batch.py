"""How many entries per second? `python -m benchmarks.batch`

Uploads batches of 1, 100, 1,000 and 10,000 entries over HTTP to the production server with one worker, on
SQLite and on PostgreSQL. The rivals are a stock DRF endpoint, one POST per entry on a kept connection, and
the database alone, which inserts ready rows into the same table in transactions of the same size.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import requests

from benchmarks.rows import insert, make_entries, make_rows
from benchmarks.timing import time_all
from tests.kit.databases import migrate
from tests.kit.issuer import Issuer
from tests.kit.postgresql import PostgreSQLServer
from tests.kit.servers import GranianServer

# The batch sizes, and the number of batches in a round.
BATCHES = {1: 200, 100: 50, 1_000: 15, 10_000: 3}
ROUNDS = 3


@dataclass(frozen=True, kw_only=True)
class Target:
    """A database, and the server that stores in it."""

    name: str
    url: str
    server: GranianServer
    session: requests.Session

    def post(self, path: str, body: bytes) -> None:
        self.session.post(f"{self.server.url}{path}", body, timeout=600).raise_for_status()


@contextmanager
def open_target(name: str, issuer: Issuer) -> Iterator[Target]:
    with ExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{folder / 'db.sqlite3'}"
        if name == "PostgreSQL":
            url = resources.enter_context(closing(PostgreSQLServer())).url()
        migrate(url)
        server = GranianServer(folder, issuer.url, url, settings="benchmarks.stock.settings", workers=1)
        session = resources.enter_context(requests.Session())
        session.headers["Authorization"] = f"Bearer {issuer.mint()}"
        session.headers["Content-Type"] = "application/json"
        with closing(server):
            yield Target(name=name, url=url, server=server, session=session)


def compare(target: Target) -> None:
    """Print for each batch size the entries per second of each way, and the ratio of ours to each rival."""
    target.post("/timesheets/upload", b"[]")
    print(f"\n{target.name}: entries per second, the median of {ROUNDS} rounds")
    print(f"{'batch':>10} {'ours':>9} {'stock DRF':>9} {'one by one':>10} {'database':>9}  ratios")
    one_by_one = 0.0
    for size, count in BATCHES.items():
        rounds = [measure_rates(target, size, count) for _ in range(ROUNDS)]
        ours, stock, database = (statistics.median(rates) for rates in zip(*rounds, strict=True))
        one_by_one = one_by_one or ours
        ratios = ", ".join(f"{ours / rival:.2f}" for rival in (stock, one_by_one, database))
        print(f"{size:>10,} {ours:>9,.0f} {stock:>9,.0f} {one_by_one:>10,.0f} {database:>9,.0f}  {ratios}")


def measure_rates(target: Target, size: int, count: int) -> tuple[float, float, float]:
    """Entries per second of ours, the stock endpoint and the database. One entry is sent as an object."""

    def make_bodies(*, as_list: bool) -> list[bytes]:
        batches = [list(make_entries(size)) for _ in range(count)]
        return [json.dumps(batch if as_list else batch[0]).encode() for batch in batches]

    ours = [partial(target.post, "/timesheets/upload", body) for body in make_bodies(as_list=size > 1)]
    stock = [partial(target.post, "/stock", body) for body in make_bodies(as_list=True)]
    rows = [partial(insert, target.url, make_rows(size, client_id=1)) for _ in range(count)]
    total = size * count
    return total / time_all(ours), total / time_all(stock), total / time_all(rows)


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    with closing(Issuer()) as issuer:
        for name in ("SQLite", "PostgreSQL"):
            with open_target(name, issuer) as target:
                compare(target)


if __name__ == "__main__":
    main()
