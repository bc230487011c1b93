"""The server does not start on a database that lacks tables, and a migration may take its time."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from tests.kit.default_database import Database, only_on, use_database
from tests.kit.history import extract
from tests.kit.issuer import Issuer
from tests.kit.postgresql import PostgreSQLServer
from tests.kit.processes import run_python
from tests.kit.servers import ENTRY, GranianServer
from tests.kit.serving import serve
from timesheets.models import Client, Rejection, Timesheet, Upload, Usage
from timesheets.storage.availability import require_current_schema

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
class EmptyDatabase:
    """A database, and how the server calls it."""

    url: str
    name: str


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty_database(
    request: pytest.FixtureRequest, tmp_path: Path, django_db_blocker: Any
) -> Iterator[EmptyDatabase]:
    """Without tables, as the default."""
    if request.param == "postgresql":
        server: PostgreSQLServer = request.getfixturevalue("postgresql")
        name = f"empty_{tmp_path.name}"
        url = server.create_database(name).replace("@", ":hidden-password@")
        empty = EmptyDatabase(url=url, name=f"{name} at 127.0.0.1:{server.port}")
    else:
        path = tmp_path / "empty.sqlite3"
        empty = EmptyDatabase(url=f"sqlite:///{path}", name=str(path))
    with django_db_blocker.unblock(), use_database(empty.url):
        yield empty


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
    return server.upload(issuer.mint(), {**ENTRY, "entry_id": "a"}).status_code


@pytest.mark.usefixtures("without_the_admin")
def test_the_server_names_the_migrations_that_the_database_lacks(empty_database: EmptyDatabase) -> None:
    status, reason = serve()

    assert status == 78
    assert reason == (
        f"The database {empty_database.name} has unapplied migrations (2): "
        "sessions.0001_initial, timesheets.0001_squashed_0010_rejection_sheet.\n"
        "Apply them: python manage.py migrate"
    )


@pytest.mark.usefixtures("without_the_admin")
def test_migrations_of_a_newer_version_do_not_stop_the_server(newer_database: Database) -> None:
    assert serve() == (0, "")


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
    assert f"The database timesheets at 127.0.0.1:{postgresql.port} cannot be checked" in server.read_log()


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


# The guide names it.
COMMIT_BEFORE_SQUASH = "efa7de2"
# In no order of columns, because a migration adds them at the end.
POSTGRESQL_SCHEMA = """
SELECT table_name::text, column_name::text, data_type::text, character_maximum_length::text,
    is_nullable::text, column_default::text, is_identity::text, numeric_precision || ',' || numeric_scale
FROM information_schema.columns WHERE table_name LIKE 'timesheets%'
UNION ALL
SELECT conrelid::regclass::text, CASE contype WHEN 'f' THEN '' ELSE conname END, pg_get_constraintdef(oid),
    convalidated::text, '', '', '', ''
FROM pg_constraint WHERE conrelid::regclass::text LIKE 'timesheets%' AND contype <> 'n'
UNION ALL
SELECT indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid::text,
    '', '', '', ''
FROM pg_index WHERE indrelid::regclass::text LIKE 'timesheets%' ORDER BY 1, 2, 3
"""
SQLITE_SCHEMA = (
    "SELECT name, type, [notnull], dflt_value, pk, hidden FROM pragma_table_xinfo('{}') ORDER BY 1",
    "SELECT [from], [table], [to], on_delete FROM pragma_foreign_key_list('{}') ORDER BY 1",
    """
    SELECT list.name, [unique], origin, partial, seqno, columns.name, sql
    FROM pragma_index_list('{}') AS list, pragma_index_info(list.name) AS columns
    LEFT JOIN sqlite_master ON sqlite_master.name = list.name ORDER BY 1, 5
    """,
    # The names of constraints.
    """
    SELECT substr(sql, instr(sql, 'CONSTRAINT')) FROM sqlite_master
    WHERE name = '{}' AND instr(sql, 'CONSTRAINT')
    """,
)


@pytest.mark.history
def test_the_replaced_migrations_count_as_the_one_that_replaces_them(
    tmp_path: Path, empty_database: EmptyDatabase
) -> None:
    migrate_before_the_squash(tmp_path, empty_database.url)

    call_command("migrate", verbosity=0)
    require_current_schema()

    migrated = describe_schema()
    create_tables_again()
    assert migrated == describe_schema()


@pytest.mark.history
@pytest.mark.usefixtures("without_the_admin")
def test_a_database_with_some_of_the_replaced_migrations_is_refused(
    tmp_path: Path, empty_database: EmptyDatabase
) -> None:
    migrate_before_the_squash(tmp_path, empty_database.url, "timesheets", "0009")
    expected = (
        f"The database {empty_database.name} is too old for this version: "
        "it lacks timesheets.0010_rejection_sheet.\n"
        "First run python manage.py migrate with the code of commit efa7de2"
    )

    with pytest.raises(CommandError) as refusal:
        call_command("migrate", verbosity=0)

    assert str(refusal.value) == expected
    assert serve() == (78, expected)


def migrate_before_the_squash(folder: Path, url: str, *target: str) -> None:
    code = folder / "before"
    extract(COMMIT_BEFORE_SQUASH, code)
    variables = {"DJANGO_SETTINGS_MODULE": "tests.settings_server", "PYTHONPATH": str(code)}
    result = run_python(code / "manage.py", "migrate", *target, **variables, TEST_DATABASE_URL=url)
    assert not result.returncode, result.stderr


def create_tables_again() -> None:
    """From the models."""
    with connection.schema_editor() as editor:
        for model in (Usage, Timesheet, Rejection, Upload, Client):
            editor.delete_model(model)
    with connection.schema_editor() as editor:
        for model in (Client, Upload, Rejection, Timesheet, Usage):
            editor.create_model(model)


def select(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def describe_schema() -> list[tuple[Any, ...]]:
    """The columns, constraints, foreign keys and indexes of the API's tables."""
    if connection.vendor == "postgresql":
        return select(POSTGRESQL_SCHEMA)
    names = select(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'timesheets%' ORDER BY 1"
    )
    return [(name, *row) for [name] in names for query in SQLITE_SCHEMA for row in select(query.format(name))]
