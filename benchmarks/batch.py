"""How many entries per second? `python -m benchmarks.batch`

Uploads batches of 1, 100, 1,000 and 10,000 entries over HTTP to the production server with one worker, on
SQLite and on PostgreSQL. The rivals are a stock DRF endpoint, one POST per entry on a kept connection, and
the database alone, which inserts ready rows into the same table in transactions of the same size.
"""

import json
import statistics
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from timeit import timeit

import requests

from benchmarks.rows import insert, make_entries, make_rows
from tests.kit.databases import migrate
from tests.kit.issuer import Issuer
from tests.kit.postgresql import PostgreSQLServer
from tests.kit.servers import GranianServer

# The batch sizes, and the number of batches in a round.
BATCHES = {1: 200, 100: 50, 1_000: 15, 10_000: 3}
ROUNDS = 3


def compare(name: str, issuer: Issuer) -> None:
    """Print for each batch size the entries per second of each way, and the ratio of ours to each rival."""
    with ExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory()))
        database_url = f"sqlite:///{folder / 'db.sqlite3'}"
        if name == "PostgreSQL":
            database_url = resources.enter_context(closing(PostgreSQLServer())).url()
        migrate(database_url)
        server = GranianServer(folder, issuer.url, database_url, "benchmarks.stock.settings", workers=1)
        resources.enter_context(closing(server))
        session = resources.enter_context(requests.Session())
        session.headers["Authorization"] = f"Bearer {issuer.mint()}"
        session.headers["Content-Type"] = "application/json"

        def post(path: str, body: bytes) -> None:
            session.post(f"{server.url}{path}", body, timeout=600).raise_for_status()

        post("/timesheets/upload", b"[]")
        print(f"\n{name}: entries per second, the median of {ROUNDS} rounds")
        print(f"{'batch':>10} {'ours':>9} {'stock DRF':>9} {'one by one':>10} {'database':>9}  ratios")
        one_by_one = 0.0
        for size, count in BATCHES.items():
            rounds = [measure_rates(post, database_url, size, count) for _ in range(ROUNDS)]
            ours, stock, database = (statistics.median(rates) for rates in zip(*rounds, strict=True))
            one_by_one = one_by_one or ours
            ratios = ", ".join(f"{ours / rival:.2f}" for rival in (stock, one_by_one, database))
            print(
                f"{size:>10,} {ours:>9,.0f} {stock:>9,.0f} {one_by_one:>10,.0f} {database:>9,.0f}  {ratios}"
            )


def measure_rates(
    post: Callable[[str, bytes], None], database_url: str, size: int, count: int
) -> list[float]:
    """Entries per second of ours, the stock endpoint and the database. One entry is sent as an object."""

    def make_bodies(*, as_list: bool) -> list[bytes]:
        batches = [list(make_entries(size)) for _ in range(count)]
        return [json.dumps(batch if as_list else batch[0]).encode() for batch in batches]

    ours = [partial(post, "/timesheets/upload", body) for body in make_bodies(as_list=size > 1)]
    stock = [partial(post, "/stock", body) for body in make_bodies(as_list=True)]
    rows = [partial(insert, database_url, make_rows(size, client_id=1)) for _ in range(count)]
    return [size * count / timeit(partial(run_all, calls), number=1) for calls in (ours, stock, rows)]


def run_all(calls: Sequence[Callable[[], None]]) -> None:
    for call in calls:
        call()


if __name__ == "__main__":
    with closing(Issuer()) as test_issuer:
        for database in ("SQLite", "PostgreSQL"):
            compare(database, test_issuer)
