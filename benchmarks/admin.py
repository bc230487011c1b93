"""How long does a page of the admin take with a million timesheets? `python -m benchmarks.admin`

Measures the server's time for a page, without the network, on SQLite and on PostgreSQL. The rival is Django's
admin with its defaults (`benchmarks/stock/admin.py`).
"""

import datetime
import os
import tempfile
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import cast

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings_admin")
django.setup()

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client as Browser
from django.test import override_settings

from benchmarks.timing import time_in_turns
from tests.kit.postgresql import PostgreSQLServer
from tests.storage.conftest import use_database
from timesheets.storage.entries import Entry
from timesheets.storage.ingest import ingest_entries
from timesheets.trust.principals import MachineClient

MILLION = 1_000_000
BATCH_SIZE = 10_000
ROUNDS = 3
BEGIN = datetime.datetime(2017, 5, 10, 8, tzinfo=datetime.UTC)
# What follows the list's URL in the page's URL.
PAGES = {
    "first page": "",
    "last page": "?p=10000",
    "search for a user": "?q=042",
    "search for a project": "?q=StoreZero",
    "search without a match": "?q=nothing",
    "filter by client": "?client__id__exact=2",
    "filter by receipt": "?received_at__gte=2018-03-01T00:00:00Z&received_at__lt=2018-04-01T00:00:00Z",
    "year": "?date__year=2018",
    "month": "?date__year=2018&date__month=3",
    "day": "?date__year=2018&date__month=3&date__day=14",
    "one timesheet": "500000/change/",
}
# What Django's defaults do not have.
OWN_PAGES = {
    "employee": "?user_id=042",
    "employee and days": "?user_id=042&first_day=2018-03-01&last_day=2018-03-31",
    "client and days": "?client__id__exact=2&first_day=2018-03-01&last_day=2018-03-31",
    "current": "?state=current",
    "current and days": "?state=current&first_day=2018-03-01&last_day=2018-03-31",
}
# One entry in so many has a correction.
CORRECTED = 50


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        measure("SQLite", f"sqlite:///{Path(folder) / 'db.sqlite3'}")
    with closing(PostgreSQLServer()) as server:
        measure("PostgreSQL", server.url())


def measure(name: str, database_url: str) -> None:
    with use_database(database_url), override_settings(ROOT_URLCONF="benchmarks.stock.admin"):
        call_command("migrate", verbosity=0)
        fill()
        browser = Browser(headers={"Host": "127.0.0.1"})
        browser.force_login(User.objects.create_superuser("boss"))
        print(f"\n{name}: milliseconds per page, the median of {ROUNDS}")
        print(f"{'':32} {'ours':>7} {'stock':>7}")
        for page, query in PAGES.items():
            compare(browser, page, f"timesheets/timesheet/{query}")
        for page, query in OWN_PAGES.items():
            path = f"/admin/timesheets/timesheet/{query}"
            [ours] = time_in_turns({page: partial(get, browser, path)}, rounds=ROUNDS, calls=1).values()
            print(f"{page:32} {ours * 1000:7.0f}", flush=True)
        export(browser)


def fill() -> None:
    """Store a million entries of 500 users over two years, some corrected, a fifth of another client."""
    for first in range(0, MILLION, BATCH_SIZE):
        entries = [
            Entry(
                user_id=f"{number % 500:03}",
                date=BEGIN + datetime.timedelta(minutes=number),
                project=("StoreZero", "Intranet", "Travel")[number % 3],
                hours=Decimal("0.25") * (1 + number % 32),
                entry_id=f"{number:07}",
            )
            for number in range(first, first + BATCH_SIZE)
        ]
        client_id = "contractors" if first % (5 * BATCH_SIZE) == 0 else "payroll"
        client = MachineClient(issuer="https://issuer.example/", client_id=client_id, subject=None)
        ingest_entries(client, entries, entries[-1].date)
        corrections = [
            replace(entry, hours=Decimal(1), revision=2, reason="Again") for entry in entries[::CORRECTED]
        ]
        ingest_entries(client, corrections, entries[-1].date)
    if connection.vendor == "postgresql":
        # Autovacuum does the same within a minute.
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE timesheets_timesheet")


def compare(browser: Browser, page: str, path: str) -> None:
    ways = {site: partial(get, browser, f"/{site}/{path}") for site in ("admin", "stock")}
    ours, stock = time_in_turns(ways, rounds=ROUNDS, calls=1).values()
    print(f"{page:32} {ours * 1000:7.0f} {stock * 1000:7.0f}  {ours / stock:5.2f}", flush=True)


def get(browser: Browser, url: str) -> None:
    status = browser.get(url).status_code
    if status != 200:
        raise RuntimeError(f"{url} returned {status}")


def export(browser: Browser) -> None:
    begin = time.perf_counter()
    form = {"action": "export_as_csv", "select_across": 1, "_selected_action": 1}
    response = browser.post("/admin/timesheets/timesheet/", form)
    size = sum(map(len, cast("Iterable[bytes]", response)))
    print(f"export of all: {time.perf_counter() - begin:.1f} s for {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
