"""Does a large table slow uploads down? `python -m benchmarks.growth [--millions N]`

Stores N million entries (1 by default) in batches of 1,000, in this process and without HTTP, on PostgreSQL
and on SQLite. Prints what an entry costs in the first hundred thousand and in each million: the time, and the
processor time including the database's. First with ids as the client derives them, which begin with the date:
a day has 10,000 entries, and a batch those of a week. Then with random ids, the worst case. Ten million
entries take 4 GB of disk, one database at a time.
"""

import argparse
import datetime
import os
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings_server")
django.setup()

from django.core.management import call_command
from django.db import connection

from tests.database.conftest import use_database
from tests.database.entries import PAYROLL
from tests.postgresql import PostgreSQLServer
from timesheets.storage.entries import Entry
from timesheets.storage.ingest import ingest_entries

MILLION = 1_000_000
BATCH_SIZE = 1_000
FIRST_STEP = 100_000
ENTRIES_PER_DAY = 10_000
BEGIN = datetime.datetime(2017, 5, 10, 8, tzinfo=datetime.UTC)

MakeId = Callable[[datetime.datetime], str]
# Seconds on the clock, and of the processors.
Cost = tuple[float, float]


def derive_id(date: datetime.datetime) -> str:
    """An id as the client derives it: the day and 128 bits of a hash."""
    return f"{date:%Y%m%d}-{uuid.uuid4().hex}"


def make_random_id(_: datetime.datetime) -> str:
    return str(uuid.uuid4())


def main() -> None:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    parser.add_argument("--millions", type=int, default=1, metavar="N", help="how many million entries")
    count = parser.parse_args().millions * MILLION
    for kind, make_id in {"ids with dates": derive_id, "random ids": make_random_id}.items():
        with closing(PostgreSQLServer()) as server:
            grow(f"PostgreSQL, {kind}", server.url(), count, make_id, server.read_processor_seconds)
        with tempfile.TemporaryDirectory() as folder:
            grow(f"SQLite, {kind}", f"sqlite:///{Path(folder) / 'db.sqlite3'}", count, make_id)


def grow(
    name: str,
    database_url: str,
    count: int,
    make_id: MakeId,
    read_server_seconds: Callable[[], float] = lambda: 0,
) -> None:
    """Print the cost of an entry in each step, and its ratio to that in the first step."""
    print(f"\n{name}: microseconds per entry, and the ratio to the first")
    print(f"{'entries':>10} {'size':>8} {'time':>7} {'processor':>9}  ratios")
    with use_database(database_url):
        call_command("migrate", verbosity=0)
        first: Cost | None = None
        stored = 0
        for end in (FIRST_STEP, *range(MILLION, count + 1, MILLION)):
            server_seconds = read_server_seconds()
            costs = [store_batch(number, make_id) for number in range(stored, end, BATCH_SIZE)]
            taken, used = (sum(seconds) for seconds in zip(*costs, strict=True))
            used += read_server_seconds() - server_seconds
            cost = taken / (end - stored), used / (end - stored)
            first, stored = first or cost, end
            print_step(end, cost, first)


def store_batch(first_number: int, make_id: MakeId) -> Cost:
    entries = [make_entry(number, make_id) for number in range(first_number, first_number + BATCH_SIZE)]
    begin, used = time.perf_counter(), time.process_time()
    ingest_entries(PAYROLL, entries, entries[-1].date)
    return time.perf_counter() - begin, time.process_time() - used


def make_entry(number: int, make_id: MakeId) -> Entry:
    date = BEGIN + datetime.timedelta(days=number // ENTRIES_PER_DAY + number % 7)
    return Entry(
        user_id=f"{number % 500:03}",
        date=date,
        project="StoreZero",
        hours=Decimal("0.25") * (1 + number % 32),
        entry_id=make_id(date),
    )


def print_step(stored: int, cost: Cost, first: Cost) -> None:
    (time_per_entry, processor_time), size = cost, measure_size() / 1e6
    ratios = ", ".join(f"{now / before:.2f}" for now, before in zip(cost, first, strict=True))
    print(
        f"{stored:>10,} {size:>5,.0f} MB {time_per_entry * 1e6:>7.1f} {processor_time * 1e6:>9.1f}  {ratios}",
        flush=True,
    )


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
