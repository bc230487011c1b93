"""Each test in this folder runs on both databases in one run, configured as in production.

Our code uses Django's default connection and writes SQL for its vendor, so the tests point the default
connection first at one database and then at the other. A second alias with a router would not reach
`timesheets.storage.stores`, and a separate run per database would be easy to forget.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.utils import ConnectionHandler

from tests.kit.postgresql import PostgreSQLServer
from timesheets.apps import close_connections
from timesheets.models import Client, Timesheet, Upload
from timesheets_site.settings_base import database as configure


@dataclass(frozen=True, kw_only=True)
class Database:
    """The default database of this process, which a server can use too."""

    vendor: str
    url: str


@contextmanager
def use_database(url: str) -> Iterator[None]:
    """Point the default connection, in every thread of this process, at `url`."""
    configured, connection = connections.settings["default"], connections["default"]
    connections.settings["default"] = ConnectionHandler({"default": configure(url)}).settings["default"]
    del connections["default"]
    try:
        yield
    finally:
        connections["default"].close()
        close_connections()
        connections.settings["default"], connections["default"] = configured, connection


@pytest.fixture(scope="session")
def postgresql_process() -> Iterator[PostgreSQLServer]:
    server = PostgreSQLServer()
    yield server
    server.close()


@pytest.fixture
def postgresql(postgresql_process: PostgreSQLServer) -> Iterator[PostgreSQLServer]:
    """The server. It is started again after a test that stopped it."""
    yield postgresql_process
    postgresql_process.start()


@pytest.fixture(
    scope="session",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
)
def migrated_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any
) -> Database:
    """A database with its tables, created once."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_process").create_database("timesheets")
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('database') / 'db.sqlite3'}"
    with django_db_blocker.unblock(), use_database(url):
        call_command("migrate", verbosity=0)
    return Database(vendor=request.param, url=url)


def only_on(vendor: str) -> pytest.MarkDecorator:
    """Run a test on this database only."""
    marks = [pytest.mark.postgresql] if vendor == "postgresql" else []
    return pytest.mark.parametrize(
        "migrated_database", [pytest.param(vendor, marks=marks)], indirect=True, scope="session"
    )


@pytest.fixture
def database(migrated_database: Database, django_db_blocker: Any) -> Iterator[Database]:
    """An empty database as the default, with transactions as in production."""
    with django_db_blocker.unblock(), use_database(migrated_database.url):
        # Two commits. Django's flush would make PostgreSQL create new files for each table.
        Timesheet.objects.all().delete()
        Upload.objects.all().delete()
        Client.objects.all().delete()
        # The test's servers and threads open their own connections and need an unlocked database.
        connections["default"].close()
        yield migrated_database
