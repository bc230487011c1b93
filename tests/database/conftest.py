"""All tests here run over both databases in one run, each configured as production has it.

Our code asks for Django's default connection and writes its SQL for that one's vendor. So the tests let
the default lead to one database and then to the other: a second alias behind a router would leave
`timesheets.storage.stores` untouched, and a run for each database would be forgotten for one of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import call_command
from django.db import ConnectionHandler, connections

from tests.postgresql import PostgreSQLServer
from timesheets.apps import close_pools
from timesheets.models import Client, Timesheet
from timesheets_site.settings_base import database as configure


@dataclass(frozen=True, kw_only=True)
class Database:
    """One that this process has for its default, and that a server may be given too."""

    vendor: str
    url: str


@contextmanager
def use_database(url: str) -> Iterator[None]:
    """Let the default connection of this process, in every thread, lead to `url`."""
    configured, connection = connections.settings["default"], connections["default"]
    connections.settings["default"] = ConnectionHandler({"default": configure(url)}).settings["default"]
    del connections["default"]
    try:
        yield
    finally:
        connections["default"].close()
        close_pools()
        connections.settings["default"], connections["default"] = configured, connection


@pytest.fixture(scope="session")
def postgresql_process() -> Iterator[PostgreSQLServer]:
    server = PostgreSQLServer()
    yield server
    server.close()


@pytest.fixture
def postgresql(postgresql_process: PostgreSQLServer) -> Iterator[PostgreSQLServer]:
    """The server, which runs again after the test, whatever the test did to it."""
    yield postgresql_process
    postgresql_process.start()


@pytest.fixture(
    scope="session",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
)
def migrated_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any
) -> Database:
    """A database with its tables, made once."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_process").create_database("timesheets")
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('database') / 'db.sqlite3'}"
    with django_db_blocker.unblock(), use_database(url):
        call_command("migrate", verbosity=0)
    return Database(vendor=request.param, url=url)


def only_on(vendor: str) -> pytest.MarkDecorator:
    """For a test of what the other database has not."""
    marks = [pytest.mark.postgresql] if vendor == "postgresql" else []
    return pytest.mark.parametrize(
        "migrated_database", [pytest.param(vendor, marks=marks)], indirect=True, scope="session"
    )


@pytest.fixture
def database(migrated_database: Database, django_db_blocker: Any) -> Iterator[Database]:
    """An empty database, the default one for the test, with transactions as they are in production."""
    with django_db_blocker.unblock(), use_database(migrated_database.url):
        # A commit or two, where Django's flush would have PostgreSQL make new files for each table.
        Timesheet.objects.all().delete()
        Client.objects.all().delete()
        # The test's servers and threads make their own, and may find a database that nobody holds.
        connections["default"].close()
        yield migrated_database
