"""How long does a page of the admin take, of a million timesheets? `python -m benchmarks.admin`

On SQLite and on PostgreSQL, beside Django's admin as it is by default (`benchmarks/stock/admin.py`): the
server's time for a page, without the network.
"""

import datetime
import os
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.timing import time_in_turns
from tests.postgresql import PostgreSQLServer
from tests.processes import REPOSITORY, make_environment

if TYPE_CHECKING:
    from django.test import Client as Browser

MILLION = 1_000_000
BATCH = 10_000
ROUNDS = 3
BEGIN = datetime.datetime(2017, 5, 10, 8, tzinfo=datetime.UTC)
# The part of a page's address that is behind the list's.
PAGES = {
    "the list": "",
    "its last page": "?p=10000",
    "a user, searched for": "?q=042",
    "a project, searched for": "?q=StoreZero",
    "what is not there, searched for": "?q=nothing",
    "a client's": "?client__id__exact=2",
    "received in a month": "?received_at__gte=2018-03-01T00:00:00Z&received_at__lt=2018-04-01T00:00:00Z",
    "a year's": "?date__year=2018",
    "a month's": "?date__year=2018&date__month=3",
    "a day's": "?date__year=2018&date__month=3&date__day=14",
    "one timesheet": "500000/change/",
}


def main() -> None:
    if "TEST_DATABASE_URL" in os.environ:
        measure()
        return
    with tempfile.TemporaryDirectory() as folder:
        measure_apart("SQLite", f"sqlite:///{Path(folder) / 'db.sqlite3'}")
    postgresql = PostgreSQLServer()
    try:
        measure_apart("PostgreSQL", postgresql.url())
    finally:
        postgresql.close()


def measure_apart(name: str, database_url: str) -> None:
    """In a process of its own, since settings have one database."""
    print(f"\n{name}: a page's milliseconds, the median of {ROUNDS}", flush=True)
    environment = make_environment(
        DJANGO_SETTINGS_MODULE="tests.settings_admin", TEST_DATABASE_URL=database_url
    )
    subprocess.run([sys.executable, "-m", "benchmarks.admin"], env=environment, cwd=REPOSITORY, check=True)


def measure() -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client as Browser

    settings.ROOT_URLCONF = "benchmarks.stock.admin"
    call_command("migrate", verbosity=0)
    fill()
    browser = Browser(headers={"Host": "127.0.0.1"})
    browser.force_login(User.objects.create_superuser("boss"))
    print(f"{'':32} {'ours':>7} {'stock':>7}")
    for page, query in PAGES.items():
        compare(browser, page, f"timesheets/timesheet/{query}")
    export(browser)


def fill() -> None:
    """A million timesheets of 500 users in two years, one in five of them another client's."""
    from django.db import connection

    from timesheets.storage.entries import Entry
    from timesheets.storage.ingest import ingest_entries
    from timesheets.trust.principals import MachineClient

    for first in range(0, MILLION, BATCH):
        entries = [
            Entry(
                user_id=f"{number % 500:03}",
                date=BEGIN + datetime.timedelta(minutes=number),
                project=("StoreZero", "Intranet", "Travel")[number % 3],
                hours=Decimal("0.25") * (1 + number % 32),
                entry_id=f"{number:07}",
            )
            for number in range(first, first + BATCH)
        ]
        client_id = "contractors" if first % (5 * BATCH) == 0 else "payroll"
        client = MachineClient(issuer="https://issuer.example/", client_id=client_id, subject=None)
        ingest_entries(client, entries, entries[-1].date)
    if connection.vendor == "postgresql":
        # What autovacuum does within a minute.
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE timesheets_timesheet")


def compare(browser: "Browser", page: str, path: str) -> None:
    ways = {site: lambda site=site: get(browser, f"/{site}/{path}") for site in ("admin", "stock")}
    ours, stock = time_in_turns(ways, rounds=ROUNDS, calls=1).values()
    print(f"{page:32} {ours * 1000:7.0f} {stock * 1000:7.0f}  {ours / stock:5.2f}", flush=True)


def get(browser: "Browser", address: str) -> None:
    status = browser.get(address).status_code
    if status != 200:
        raise RuntimeError(f"{address} answers {status}")


def export(browser: "Browser") -> None:
    begin = time.perf_counter()
    form = {"action": "export_as_csv", "select_across": 1, "_selected_action": 1}
    response = browser.post("/admin/timesheets/timesheet/", form)
    size = sum(map(len, response.streaming_content))
    print(f"export of all: {time.perf_counter() - begin:.1f} s for {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
