"""Does a large table slow uploads down? `python -m benchmarks.growth [--millions N]`

Stores N million entries (1 by default) in batches of 1,000, in this process and without HTTP, on PostgreSQL
and on SQLite. Prints what an entry costs in the first hundred thousand and in each million: the time, and the
processor time including the database's. Then uploads to this table and to one of a hundred thousand entries
take turns. First with ids as the client derives them, which begin with the date: a day has 10,000 entries,
and a batch those of a week. Then with random ids, the worst case. Ten million entries take 4 GB of disk, one
database at a time.
"""

import argparse
import datetime
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings_server")
django.setup()

from django.core.management import call_command
from django.db import connection

from tests.kit.postgresql import PostgreSQLServer
from tests.storage.conftest import use_database
from tests.storage.entries import PAYROLL
from timesheets.storage.entries import Entry
from timesheets.storage.ingest import ingest_entries

MILLION = 1_000_000
BATCH_SIZE = 1_000
FIRST_STEP = 100_000
ROUNDS = 10
TURN = 20_000
ENTRIES_PER_DAY = 10_000
BEGIN = datetime.datetime(2017, 5, 10, 8, tzinfo=datetime.UTC)

MakeId = Callable[[datetime.datetime], str]
# Seconds per entry: on the clock, and of the processors.
Cost = tuple[float, float]


def derive_id(date: datetime.datetime) -> str:
    """An id as the client derives it: the day and 128 bits of a hash."""
    return f"{date:%Y%m%d}-{uuid.uuid4().hex}"


def make_random_id(_: datetime.datetime) -> str:
    return str(uuid.uuid4())


@dataclass(kw_only=True)
class Table:
    """A database with the API's tables, and the processor time of its server."""

    url: str
    make_id: MakeId
    read_server_seconds: Callable[[], float] = lambda: 0
    stored: int = 0

    def store(self, count: int) -> Cost:
        """Store this many entries in the current database, which is this one."""
        server_seconds = self.read_server_seconds()
        costs = [self._store_batch() for _ in range(count // BATCH_SIZE)]
        taken, used = (sum(seconds) for seconds in zip(*costs, strict=True))
        return taken / count, (used + self.read_server_seconds() - server_seconds) / count

    def _store_batch(self) -> Cost:
        numbers = range(self.stored, self.stored + BATCH_SIZE)
        entries = [make_entry(number, self.make_id) for number in numbers]
        self.stored += BATCH_SIZE
        begin, used = time.perf_counter(), time.process_time()
        ingest_entries(PAYROLL, entries, entries[-1].date)
        return time.perf_counter() - begin, time.process_time() - used


def main() -> None:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    parser.add_argument("--millions", type=int, default=1, metavar="N", help="how many million entries")
    count = parser.parse_args().millions * MILLION
    for ids, make_id in {"ids with dates": derive_id, "random ids": make_random_id}.items():
        with closing(PostgreSQLServer()) as server:
            open_table = partial(Table, make_id=make_id, read_server_seconds=server.read_processor_seconds)
            large, small = (open_table(url=server.create_database(name)) for name in ("large", "small"))
            measure(f"PostgreSQL, {ids}", count, large, small)
        with tempfile.TemporaryDirectory() as folder:
            large, small = (
                Table(url=f"sqlite:///{folder}/{name}.sqlite3", make_id=make_id)
                for name in ("large", "small")
            )
            measure(f"SQLite, {ids}", count, large, small)


def measure(name: str, count: int, large: Table, small: Table) -> None:
    print(f"\n{name}: microseconds per entry\n{'':>24} {'time':>6} {'processor':>9}")
    grow(large, [FIRST_STEP, *range(MILLION, count + 1, MILLION)])
    grow(small, [FIRST_STEP])
    take_turns(large, small)


def grow(table: Table, steps: Sequence[int]) -> None:
    """Print the cost of an entry in each step."""
    with use_database(table.url):
        call_command("migrate", verbosity=0)
        for step in steps:
            cost = table.store(step - table.stored)
            print_line(f"{step:,} ({measure_size() / 1e6:,.0f} MB)", cost)


def take_turns(*tables: Table) -> None:
    """Print the median of each table's turns. The first half of a turn fills the caches."""
    costs: dict[str, list[Cost]] = {"large, in turns": [], "small, in turns": []}
    for _ in range(ROUNDS):
        for table, turns in zip(tables, costs.values(), strict=True):
            with use_database(table.url):
                table.store(TURN)
                turns.append(table.store(TURN))
    for name, turns in costs.items():
        print_line(name, [statistics.median(seconds) for seconds in zip(*turns, strict=True)])


def make_entry(number: int, make_id: MakeId) -> Entry:
    date = BEGIN + datetime.timedelta(days=number // ENTRIES_PER_DAY + number % 7)
    return Entry(
        user_id=f"{number % 500:03}",
        date=date,
        project="StoreZero",
        hours=Decimal("0.25") * (1 + number % 32),
        entry_id=make_id(date),
    )


def print_line(name: str, cost: Sequence[float]) -> None:
    taken, used = (seconds * 1e6 for seconds in cost)
    print(f"{name:>24} {taken:6.1f} {used:9.1f}", flush=True)


def measure_size() -> int:
    statement = {
        "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
        "postgresql": "SELECT pg_database_size(current_database())",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(statement)
        [size] = cursor.fetchone()
    return int(size)


if __name__ == "__main__":
    main()
