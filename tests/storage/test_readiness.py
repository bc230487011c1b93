"""`/readyz` fails while the database would store no entry, and stores none itself."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from tests.kit.default_database import Database, only_on, use_database
from tests.kit.issuer import Issuer
from tests.kit.postgresql import PostgreSQLServer
from timesheets.models import Timesheet
from timesheets.readiness import get_readiness

pytestmark = pytest.mark.usefixtures("without_the_admin")


class Prober:
    """Asks the API, which trusts the issuer, whether it is ready."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def probe(self) -> tuple[int, list[str]]:
        """The status, and the names of the failing checks."""
        # No probe sees the result of an earlier one.
        get_readiness.cache_clear()
        response = Client().get("/readyz")
        return response.status_code, response.json().get("failing", [])

    def require_failing(self, check: str) -> str:
        """The reason in the log for the only check that fails."""
        assert self.probe() == (503, [check])
        *_, reason = self.find_reasons()
        assert reason.startswith(f"Not ready: {check}: ")
        return reason

    def find_reasons(self) -> list[str]:
        records = self._caplog.records
        return [record.getMessage() for record in records if record.name == "timesheets.readiness"]


@pytest.fixture
def prober(issuer: Issuer, caplog: pytest.LogCaptureFixture) -> Iterator[Prober]:
    yield Prober(caplog)
    get_readiness.cache_clear()


def test_a_process_that_can_store_entries_is_ready(prober: Prober, database: Database) -> None:
    assert prober.probe() == (200, [])

    head = Client().head("/readyz")
    assert (head.status_code, head.content) == (200, b"")
    assert Client().get("/readyz").json() == {"status": "ok"}
    assert prober.find_reasons() == []
    assert not Timesheet.objects.exists()


def test_a_process_without_keys_is_not_ready(prober: Prober, settings: Any, database: Database) -> None:
    nowhere = "http://127.0.0.1:1/"
    settings.OAUTH = {**settings.OAUTH, "ISSUER": nowhere, "JWKS_URL": f"{nowhere}jwks"}

    reason = prober.require_failing("issuer")

    assert reason.endswith("To see why, run: python manage.py check_issuer")


@pytest.fixture
def old_database(
    request: pytest.FixtureRequest, tmp_path: Path, migrated_database: Database, django_db_blocker: Any
) -> Iterator[None]:
    """A database with only some of the migrations that are one now."""
    url = f"sqlite:///{tmp_path / 'old.sqlite3'}"
    if migrated_database.vendor == "postgresql":
        url = request.getfixturevalue("postgresql").create_database("not_ready")
    with django_db_blocker.unblock(), use_database(url):
        call_command("migrate", verbosity=0)
        for name in ("0010_rejection_sheet", "0001_squashed_0010_rejection_sheet"):
            MigrationRecorder(connection).record_unapplied("timesheets", name)
        yield


@pytest.mark.usefixtures("old_database")
def test_a_process_whose_database_lacks_a_replaced_migration_is_not_ready(prober: Prober) -> None:
    assert prober.require_failing("migrations").endswith("with the code of commit efa7de2")


@only_on("postgresql")
def test_a_process_is_not_ready_while_postgresql_is_down(
    prober: Prober, database: Database, postgresql: PostgreSQLServer
) -> None:
    postgresql.stop()

    reason = prober.require_failing("database")

    assert f"timesheets at 127.0.0.1:{postgresql.port}: " in reason
    assert "Connection refused" in reason


@only_on("postgresql")
def test_a_process_on_a_standby_is_not_ready(
    prober: Prober, database: Database, postgresql: PostgreSQLServer
) -> None:
    postgresql.execute("ALTER DATABASE timesheets SET default_transaction_read_only = on")
    try:
        reason = prober.require_failing("database")
    finally:
        postgresql.execute("ALTER DATABASE timesheets RESET default_transaction_read_only")

    assert "It is a standby, or default_transaction_read_only is on." in reason


TABLES = "timesheets_client, timesheets_rejection, timesheets_timesheet, timesheets_upload"


@only_on("postgresql")
@pytest.mark.parametrize(
    ("may", "expected"),
    [
        pytest.param("read", f"GRANT INSERT ON [^;]*{TABLES}[^;]* TO limited;", id="not-insert"),
        # Nor which migrations there are.
        pytest.param("write", "permission denied for table django_migrations", id="not-read"),
    ],
)
def test_a_process_that_may_only_read_or_write_is_not_ready(
    prober: Prober, database: Database, postgresql: PostgreSQLServer, may: str, expected: str
) -> None:
    postgresql.execute(f"CREATE ROLE limited LOGIN IN ROLE pg_{may}_all_data")
    try:
        with use_database(database.url.replace("timesheets@", "limited:hidden-password@")):
            reason = prober.require_failing("database")
    finally:
        postgresql.execute("DROP ROLE limited")

    assert re.search(expected, reason)


@only_on("sqlite")
def test_a_process_whose_sqlite_file_is_gone_is_not_ready(
    prober: Prober, database: Database, tmp_path: Path
) -> None:
    missing = tmp_path / "nothing.sqlite3"

    with use_database(f"sqlite:///{missing}"):
        reason = prober.require_failing("database")

    assert not missing.exists()
    assert f"{missing} does not exist, or user" in reason


@only_on("sqlite")
def test_a_process_is_not_ready_while_another_program_locks_sqlite(
    prober: Prober, database: Database
) -> None:
    with closing(sqlite3.connect(database.url.removeprefix("sqlite:///"), isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")

        assert "database is locked" in prober.require_failing("database")
