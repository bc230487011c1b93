"""The server does not start on a database that lacks tables, and a migration may take its time.

A migration that changes the table of entries loses none and stops no upload, wherever it is interrupted.
"""

import itertools
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

from tests.kit.default_database import Database, only_on, use_database
from tests.kit.issuer import Issuer
from tests.kit.postgresql import PostgreSQLServer
from tests.kit.processes import PRODUCTION_VARIABLES, link_manage_py, run_python
from tests.kit.servers import GranianServer
from timesheets.models import Client, Timesheet, Upload, Usage

# Python 3.11 does not name it.
SQLITE_DBCONFIG_DEFENSIVE = 1010

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
        f"The database {old_database.name} has unapplied migrations (5): "
        "sessions.0001_initial, timesheets.0002_timesheet_of_client, timesheets.0003_usage, "
        "timesheets.0004_upload, timesheets.0005_revision.\n"
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


REVISION = import_module("timesheets.migrations.0005_revision")
# The version before uploads like this.
OLD_INSERT = """
INSERT INTO timesheets_timesheet (client_id, received_at, subject, user_id, date, project, hours, entry_id)
VALUES ((SELECT id FROM timesheets_client), '2017-05-10 12:00:00+00:00', NULL, '007',
    '2017-05-10 00:00:00+00:00', 'StoreZero', 5, %s)
ON CONFLICT DO NOTHING
"""
CORRECTION = """
INSERT INTO timesheets_timesheet (
    client_id, received_at, user_id, date, project, hours, entry_id, revision, reason
) SELECT client_id, received_at, user_id, date, project, 0, entry_id, revision + 1, 'Not worked'
FROM timesheets_timesheet WHERE entry_id = 'stored-7' ORDER BY revision DESC LIMIT 1
"""
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
    "SELECT substr(sql, instr(sql, 'CONSTRAINT')) FROM sqlite_master WHERE name = '{}'",
)
STORED = [f"stored-{number}" for number in range(25)]


def migrate(target: str) -> None:
    call_command("migrate", "timesheets", target, verbosity=0)


@dataclass(kw_only=True)
class OldProcess:
    """A process of the version before, with one connection, whose statements are prepared."""

    connection: BaseDatabaseWrapper
    stored: list[str] = field(default_factory=list)

    def upload(self, entry_id: str) -> bool:
        """True if the entry is new."""
        with self.connection.cursor() as cursor:
            cursor.execute(OLD_INSERT, [entry_id])
            is_new = bool(cursor.rowcount)
        self.stored += [entry_id] * is_new
        return is_new

    def upload_before_each_statement(self, execute: Callable[..., Any], *statement: Any) -> Any:
        """Runs around each statement of the migration."""
        if not connection.in_atomic_block:
            assert self.upload(f"uploaded-{len(self.stored)}")
            assert not self.upload("stored-7")
        return execute(*statement)


@pytest.fixture(scope="module")
def postgresql_of_the_version_before(postgresql_process: PostgreSQLServer) -> str:
    """A database for all tests, because a new one for each takes longer than the tests."""
    return postgresql_process.create_database("before")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def old_process(
    request: pytest.FixtureRequest, tmp_path: Path, django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OldProcess]:
    """The default database is that of the version before, with entries. A turn copies ten of them."""
    url = f"sqlite:///{tmp_path / 'before.sqlite3'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_of_the_version_before")
    monkeypatch.setattr(REVISION, "STEP", 10)
    monkeypatch.setattr(REVISION, "TURN_SECONDS", 0)
    monkeypatch.setattr(REVISION, "PAUSE_SECONDS", 0)
    with django_db_blocker.unblock(), use_database(url):
        if request.param == "postgresql":
            execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        migrate("0003")
        Client.objects.create(issuer="https://tenant.example.com/", client_id="payroll")
        with closing(connection.copy()) as own:
            process = OldProcess(connection=own)
            assert all(map(process.upload, STORED))
            yield process


def only_with(vendor: str) -> pytest.MarkDecorator:
    marks = [pytest.mark.postgresql] if vendor == "postgresql" else []
    return pytest.mark.parametrize("old_process", [pytest.param(vendor, marks=marks)], indirect=True)


def select(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def list_entry_ids() -> list[str]:
    return [entry_id for (entry_id,) in select("SELECT entry_id FROM timesheets_timesheet ORDER BY id")]


def describe_schema() -> list[tuple[Any, ...]]:
    """The columns, constraints, foreign keys and indexes of the API's tables."""
    if connection.vendor == "postgresql":
        return select(POSTGRESQL_SCHEMA)
    names = select(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'timesheets%' ORDER BY 1"
    )
    return [(name, *row) for [name] in names for query in SQLITE_SCHEMA for row in select(query.format(name))]


@contextmanager
def die_before(number: int) -> Iterator[None]:
    """From this statement on, the process that migrates is dead."""
    numbers = itertools.count()

    def die(execute: Callable[..., Any], *statement: Any) -> Any:
        if next(numbers) >= number:
            raise KeyboardInterrupt
        return execute(*statement)

    with connection.execute_wrapper(die):
        yield


def migrate_with_interruptions(target: str) -> None:
    """Run the migration again and again. Each run comes a statement further."""
    for number in itertools.count():
        try:
            with die_before(number):
                migrate(target)
        except KeyboardInterrupt:
            connection.close()
        else:
            return


def test_the_version_before_uploads_during_and_after_the_migration(old_process: OldProcess) -> None:
    with connection.execute_wrapper(old_process.upload_before_each_statement):
        migrate("0005")
    assert old_process.upload("after")
    assert not old_process.upload("stored-7")

    assert len(old_process.stored) > len(STORED) + 10
    assert list_entry_ids() == old_process.stored
    assert select("SELECT DISTINCT revision, reason, upload_id FROM timesheets_timesheet") == [
        (1, None, None)
    ]


def test_the_next_id_stays(old_process: OldProcess) -> None:
    [(highest,)] = select("SELECT MAX(id) FROM timesheets_timesheet")
    execute("DELETE FROM timesheets_timesheet WHERE entry_id = 'stored-24'")

    migrate("0005")
    old_process.upload("after")

    assert select("SELECT id FROM timesheets_timesheet WHERE entry_id = 'after'") == [(highest + 1,)]


def test_the_tables_become_those_of_the_models(old_process: OldProcess) -> None:
    migrate("0005")
    migrated = describe_schema()

    with connection.schema_editor() as editor:
        for model in (Usage, Timesheet, Upload, Client):
            editor.delete_model(model)
    with connection.schema_editor() as editor:
        for model in (Client, Upload, Timesheet, Usage):
            editor.create_model(model)

    assert migrated == describe_schema()


def test_an_interrupted_migration_continues(old_process: OldProcess) -> None:
    migrate_with_interruptions("0005")

    interrupted = describe_schema()
    assert list_entry_ids() == STORED
    migrate("0003")
    migrate("0005")
    assert describe_schema() == interrupted


def test_going_back_restores_the_tables_of_the_version_before(old_process: OldProcess) -> None:
    before = describe_schema()
    migrate("0005")

    migrate_with_interruptions("0003")

    assert describe_schema() == before
    assert list_entry_ids() == STORED


def test_going_back_is_refused_once_an_entry_was_corrected(old_process: OldProcess) -> None:
    migrate("0005")
    execute(CORRECTION)
    before = describe_schema()

    with pytest.raises(CommandError, match="There are corrected entries, "):
        migrate("0004")

    assert describe_schema() == before
    assert list_entry_ids() == [*STORED, "stored-7"]


def test_going_back_is_refused_if_an_entry_is_corrected_meanwhile(old_process: OldProcess) -> None:
    migrate("0005")
    before = describe_schema()

    # On SQLite, an upload that comes just before would do the same.
    uploads = connection if connection.vendor == "sqlite" else old_process.connection

    def correct(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        is_first_step = sql.startswith(("CREATE UNIQUE INDEX", f"INSERT INTO {REVISION.COPY}"))
        if is_first_step and list_entry_ids() == STORED:
            uploads.cursor().execute(CORRECTION)
        return execute(sql, *rest)

    with (
        connection.execute_wrapper(correct),
        pytest.raises(CommandError, match="There are corrected entries, "),
    ):
        migrate("0004")

    assert describe_schema() == before


@only_with("postgresql")
@pytest.mark.parametrize(
    ("target", "index"), [("0005", "revision_of_entry"), pytest.param("0003", "entry_of_client", id="back")]
)
def test_an_index_that_was_not_finished_is_built_again(
    old_process: OldProcess, target: str, index: str
) -> None:
    migrate(target)
    expected = describe_schema()
    migrate({"0005": "0003", "0003": "0005"}[target])
    with pytest.raises(IntegrityError):
        execute(f"CREATE UNIQUE INDEX CONCURRENTLY {index} ON timesheets_timesheet (client_id)")

    migrate(target)

    assert describe_schema() == expected


@only_with("postgresql")
def test_the_index_waits_for_old_transactions_longer_than_for_a_lock(old_process: OldProcess) -> None:
    with old_process.connection.cursor() as reader, ExitStack() as stack:

        def read(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
            if sql.startswith("CREATE UNIQUE INDEX"):
                reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
                reader.execute("SELECT count(*) FROM timesheets_timesheet")
                timer = threading.Timer(0.5, reader.execute, ["COMMIT"])
                timer.start()
                stack.callback(timer.join)
            return execute(sql, *rest)

        execute("SET lock_timeout = '100ms'")
        with connection.execute_wrapper(read):
            migrate("0005")

    assert old_process.upload("after")


@only_with("sqlite")
def test_a_read_that_began_before_sees_what_there_was(old_process: OldProcess) -> None:
    with old_process.connection.cursor() as reader:
        reader.execute("SELECT entry_id FROM timesheets_timesheet INDEXED BY timesheet_of_client")
        first = reader.fetchmany(5)

        migrate("0005")
        execute("DELETE FROM timesheets_timesheet")

        assert [entry_id for (entry_id,) in [*first, *reader.fetchall()]] == STORED


@only_with("sqlite")
@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.11 cannot turn it on")
def test_a_build_that_protects_the_schema_builds_the_index_again(old_process: OldProcess) -> None:
    connection.ensure_connection()
    connection.connection.setconfig(SQLITE_DBCONFIG_DEFENSIVE, True)

    migrate("0005")

    connection.close()
    assert ("timesheet_of_client", 0) in select(
        "SELECT name, [unique] FROM pragma_index_list('timesheets_timesheet')"
    )
    assert list_entry_ids() == STORED


@only_with("sqlite")
def test_a_full_disk_leaves_the_old_table_in_use(old_process: OldProcess) -> None:
    for number in range(200):
        old_process.upload(f"more-{number}")
    [(pages,)] = select("PRAGMA page_count")
    execute(f"PRAGMA max_page_count = {pages + 8}")

    with pytest.raises(OperationalError, match="disk is full"):
        migrate("0005")
    assert old_process.upload("during")
    connection.close()
    migrate("0005")

    assert list_entry_ids() == old_process.stored


@only_with("sqlite")
def test_a_disk_that_is_too_small_is_refused_before_anything_is_copied(
    old_process: OldProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate("0004")
    before = describe_schema()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1024))

    with pytest.raises(CommandError, match=r"has 0 MiB left, and this migration needs 0 MiB"):
        migrate("0005")

    assert describe_schema() == before
