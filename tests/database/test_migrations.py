"""The server does not start on a database that lacks tables, and a migration may take its time."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from tests.database.conftest import Database, only_on, use_database
from tests.issuer import Issuer
from tests.postgresql import PostgreSQLServer
from tests.processes import PRODUCTION_VARIABLES, GranianServer, link_manage_py, run_python

MIGRATION = """
from django.db import migrations

class Migration(migrations.Migration):
    operations = [
        migrations.RunSQL(
            "CREATE TABLE limits AS SELECT name, setting FROM pg_settings WHERE name LIKE '%_timeout'"
        )
    ]
"""


@dataclass(frozen=True, kw_only=True)
class OldDatabase:
    """A database that has only the first migration of the API."""

    url: str
    name: str


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def old_database(request: pytest.FixtureRequest, tmp_path: Path, django_db_blocker: Any) -> OldDatabase:
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql")
        url = server.create_database("old").replace("@", ":hidden-password@")
        old = OldDatabase(url=url, name=f"old at 127.0.0.1:{server.port}")
    else:
        path = tmp_path / "old.sqlite3"
        old = OldDatabase(url=f"sqlite:///{path}", name=str(path))
    with django_db_blocker.unblock(), use_database(old.url):
        call_command("migrate", "timesheets", "0001", verbosity=0)
    return old


@pytest.fixture
def newer_database(database: Database) -> Iterator[Database]:
    """A database that a newer version has already migrated."""
    recorder = MigrationRecorder(connection)
    recorder.record_applied("timesheets", "9999_of_a_newer_version")
    recorder.record_applied("an_app_of_a_newer_version", "0001_initial")
    connection.close()
    yield database
    recorder.record_unapplied("timesheets", "9999_of_a_newer_version")
    recorder.record_unapplied("an_app_of_a_newer_version", "0001_initial")


def upload_one(server: GranianServer, issuer: Issuer) -> int:
    entry = {"user_id": "007", "date": "2017-05-10", "project": "StoreZero", "hours": 5, "entry_id": "a"}
    headers = {"Authorization": f"Bearer {issuer.mint()}"}
    url = f"{server.url}/timesheets/upload"
    return requests.post(url, json=entry, headers=headers, timeout=30).status_code


def test_the_server_names_the_migrations_that_the_database_lacks(
    tmp_path: Path, old_database: OldDatabase
) -> None:
    variables = {**PRODUCTION_VARIABLES, "DATABASE_URL": old_database.url}

    result = run_python(link_manage_py(tmp_path), "serve", **variables)

    assert result.returncode == 78
    assert result.stderr == (
        f"The database {old_database.name} has unapplied migrations (3): "
        "sessions.0001_initial, timesheets.0002_timesheet_of_client, timesheets.0003_usage.\n"
        "Apply them: python manage.py migrate\n"
    )


def test_migrations_of_a_newer_version_do_not_stop_the_server(
    tmp_path: Path, issuer_process: Issuer, newer_database: Database
) -> None:
    server = GranianServer(tmp_path, issuer_process.url, newer_database.url, workers=1)

    status = upload_one(server, issuer_process)

    server.close()
    assert status == 201


@only_on("postgresql")
def test_a_server_that_starts_before_its_database_works_as_soon_as_it_is_there(
    tmp_path: Path, issuer_process: Issuer, database: Database, postgresql: PostgreSQLServer
) -> None:
    postgresql.stop()
    server = GranianServer(tmp_path, issuer_process.url, database.url, workers=1)
    before = upload_one(server, issuer_process)
    postgresql.start()

    deadline = time.monotonic() + 20
    while (after := upload_one(server, issuer_process)) == 503 and time.monotonic() < deadline:
        time.sleep(0.1)

    server.close()
    assert (before, after) == (503, 201)
    assert f"The migrations of the database timesheets at 127.0.0.1:{postgresql.port}" in server.read_log()


@pytest.mark.postgresql
def test_a_statement_of_a_migration_has_no_time_limit_but_its_wait_for_a_lock_has(
    tmp_path: Path,
    postgresql: PostgreSQLServer,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    django_db_blocker: Any,
) -> None:
    folder = tmp_path / "migrations_of_sessions"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "0001_initial.py").write_text(MIGRATION)
    monkeypatch.syspath_prepend(tmp_path)
    settings.MIGRATION_MODULES = {"sessions": folder.name}

    with django_db_blocker.unblock(), use_database(postgresql.create_database("limits")):
        call_command("migrate", "sessions", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, setting FROM limits")
            milliseconds = dict(cursor.fetchall())

    assert milliseconds["statement_timeout"] == "0"
    assert milliseconds["lock_timeout"] == "10000"
