"""`/readyz` fails while the database would store no entry, and stores none itself."""

import re
import sqlite3
import threading
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


@pytest.fixture(autouse=True)
def fresh_readiness() -> Iterator[None]:
    """No test sees the result of another."""
    get_readiness.cache_clear()
    yield
    get_readiness.cache_clear()


def probe(client: Client) -> tuple[int, list[str]]:
    """The status, and the names of the failing checks."""
    response = client.get("/readyz")
    return response.status_code, response.json().get("failing", [])


def find_reasons(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "timesheets.readiness"]


def test_a_process_that_can_store_entries_is_ready(
    client: Client, issuer: Issuer, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    response = client.get("/readyz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert find_reasons(caplog) == []
    assert not Timesheet.objects.exists()


def test_a_ready_process_answers_head_requests(client: Client, issuer: Issuer, database: Database) -> None:
    response = client.head("/readyz")

    assert (response.status_code, response.content) == (200, b"")


@pytest.fixture
def issuer_that_is_down(settings: Any) -> str:
    settings.OAUTH = {
        **settings.OAUTH,
        "ISSUER": "http://127.0.0.1:1/",
        "JWKS_URL": "http://127.0.0.1:1/jwks",
    }
    return "http://127.0.0.1:1/"


def test_a_process_without_keys_is_not_ready(
    client: Client, issuer_that_is_down: str, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    assert probe(client) == (503, ["issuer"])

    [reason] = find_reasons(caplog)
    assert reason.startswith("Not ready: issuer: ")
    assert reason.endswith("To see why, run: python manage.py check_issuer")


@pytest.fixture
def old_database(
    request: pytest.FixtureRequest, tmp_path: Path, migrated_database: Database, django_db_blocker: Any
) -> Iterator[str]:
    """A database with only some of the migrations that are one now."""
    url = f"sqlite:///{tmp_path / 'old.sqlite3'}"
    if migrated_database.vendor == "postgresql":
        url = request.getfixturevalue("postgresql").create_database("not_ready")
    with django_db_blocker.unblock(), use_database(url):
        call_command("migrate", verbosity=0)
        for name in ("0005_revision", "0001_squashed_0005_revision"):
            MigrationRecorder(connection).record_unapplied("timesheets", name)
        yield url


def test_a_process_whose_database_lacks_a_replaced_migration_is_not_ready(
    client: Client, issuer: Issuer, old_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert probe(client) == (503, ["migrations"])

    [reason] = find_reasons(caplog)
    assert reason.endswith("with the code of commit 520a639")


@only_on("postgresql")
def test_a_process_is_not_ready_while_postgresql_is_down(
    client: Client,
    issuer: Issuer,
    database: Database,
    postgresql: PostgreSQLServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    postgresql.stop()

    assert probe(client) == (503, ["database"])

    [reason] = find_reasons(caplog)
    assert f"timesheets at 127.0.0.1:{postgresql.port}: " in reason
    assert "Connection refused" in reason


@only_on("postgresql")
def test_a_process_on_a_standby_is_not_ready(
    client: Client,
    issuer: Issuer,
    database: Database,
    postgresql: PostgreSQLServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    postgresql.execute("ALTER DATABASE timesheets SET default_transaction_read_only = on")

    failing = probe(client)

    postgresql.execute("ALTER DATABASE timesheets RESET default_transaction_read_only")
    assert failing == (503, ["database"])
    [reason] = find_reasons(caplog)
    assert "It is a standby, or default_transaction_read_only is on." in reason


@only_on("postgresql")
def test_a_process_that_may_not_insert_is_not_ready(
    client: Client,
    issuer: Issuer,
    database: Database,
    postgresql: PostgreSQLServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    postgresql.execute("CREATE ROLE reader LOGIN IN ROLE pg_read_all_data")

    with use_database(database.url.replace("timesheets@", "reader:hidden-password@")):
        failing = probe(client)

    postgresql.execute("DROP ROLE reader")
    assert failing == (503, ["database"])
    [reason] = find_reasons(caplog)
    tables = "timesheets_client, timesheets_rejection, timesheets_timesheet, timesheets_upload"
    assert re.search(f"GRANT INSERT ON [^;]*{tables}[^;]* TO reader;", reason)


@only_on("postgresql")
def test_a_process_that_cannot_tell_which_migrations_there_are_is_not_ready(
    client: Client,
    issuer: Issuer,
    database: Database,
    postgresql: PostgreSQLServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    postgresql.execute("CREATE ROLE writer LOGIN IN ROLE pg_write_all_data")

    with use_database(database.url.replace("timesheets@", "writer@")):
        status, failing = probe(client)

    postgresql.execute("DROP ROLE writer")
    assert (status, failing) == (503, ["database"])
    *_, reason = find_reasons(caplog)
    assert "permission denied for table django_migrations" in reason


@only_on("sqlite")
def test_a_process_whose_sqlite_file_is_gone_is_not_ready(
    client: Client, issuer: Issuer, database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    missing = tmp_path / "nothing.sqlite3"

    with use_database(f"sqlite:///{missing}"):
        assert probe(client) == (503, ["database"])

    assert not missing.exists()
    assert f"{missing} does not exist, or user" in caplog.text


@only_on("sqlite")
def test_a_process_is_not_ready_while_another_program_locks_sqlite(
    client: Client, issuer: Issuer, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(open_writer(database)) as writer:
        writer.execute("BEGIN IMMEDIATE")

        assert probe(client) == (503, ["database"])

    assert "database is locked" in caplog.text


@only_on("sqlite")
def test_a_process_is_ready_while_other_programs_keep_sqlite_busy(
    client: Client, issuer: Issuer, database: Database
) -> None:
    stopped = threading.Event()
    writers = threading.Thread(target=write_without_pause, args=[database, stopped])
    writers.start()

    result = probe(client)

    stopped.set()
    writers.join()
    assert result == (200, [])


def open_writer(database: Database) -> sqlite3.Connection:
    path = database.url.removeprefix("sqlite:///")
    return sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)


def write_without_pause(database: Database, stopped: threading.Event) -> None:
    """Commit often, and hold the lock nearly all of the time."""
    with closing(open_writer(database)) as writer:
        number = 0
        while not stopped.is_set():
            number += 1
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("INSERT INTO timesheets_client (issuer, client_id) VALUES ('busy', ?)", [number])
            stopped.wait(0.05)
            writer.execute("COMMIT")
