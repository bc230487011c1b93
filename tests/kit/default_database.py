"""Run a test on both databases in one run, configured as in production.

Our code uses Django's default connection and writes SQL for its vendor, so the tests point the default
connection first at one database and then at the other. A second alias with a router would not reach
`timesheets.storage.corrections`, and a separate run per database would be easy to forget.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.db import connections
from django.db.utils import ConnectionHandler

from timesheets.apps import close_connections
from timesheets.storage.writer import close_writer
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
    close_writer()
    try:
        yield
    finally:
        connections["default"].close()
        close_connections()
        connections.settings["default"], connections["default"] = configured, connection


def only_on(vendor: str) -> pytest.MarkDecorator:
    """Run a test on this database only."""
    marks = [pytest.mark.postgresql] if vendor == "postgresql" else []
    return pytest.mark.parametrize(
        "migrated_database", [pytest.param(vendor, marks=marks)], indirect=True, scope="session"
    )
