"""Tell an operator whether the database would store an entry, or why it failed. Knows no HTTP."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from django.db import (
    DEFAULT_DB_ALIAS,
    InterfaceError,
    InternalError,
    OperationalError,
    connection,
    connections,
)
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from timesheets.storage.writer import open_connection, read_code

# How long to wait for PostgreSQL to accept a connection, or for the lock of SQLite's writer.
MAX_WAIT_SECONDS = 2

# What the API's role needs in PostgreSQL: pairs of a privilege and a table or sequence.
UPLOAD_PRIVILEGES = {
    *product(
        ["SELECT", "INSERT"],
        ["timesheets_client", "timesheets_rejection", "timesheets_timesheet", "timesheets_upload"],
    ),
    *product(
        ["SELECT"],
        ["timesheets_assignmentlist", "timesheets_clientstop", "timesheets_run", "timesheets_runline"],
    ),
    *product(["USAGE"], ["timesheets_timesheet_id_seq", "timesheets_upload_id_seq"]),
}
THROTTLE_PRIVILEGES = {*product(["SELECT", "INSERT", "UPDATE"], ["timesheets_usage"])}
SESSION_PRIVILEGES = {*product(["SELECT", "INSERT", "UPDATE", "DELETE"], ["django_session"])}
# To sign in. Those who change accounts need more.
ADMIN_PRIVILEGES = {
    *SESSION_PRIVILEGES,
    *product(["SELECT", "INSERT", "UPDATE", "DELETE"], ["timesheets_usage"]),
    *product(["SELECT", "UPDATE"], ["auth_user"]),
}

# What is missing, as GRANT says it. A table that does not exist yet is missing because of a migration.
_POSTGRESQL_OBSTACLES = """
    SELECT current_setting('transaction_read_only'), array(
        SELECT concat(privilege, ' ON ', CASE privilege WHEN 'USAGE' THEN 'SEQUENCE ' END,
            string_agg(name, ', ' ORDER BY name))
        FROM unnest(%s::text[], %s::text[]) AS needed (privilege, name)
        WHERE NOT CASE privilege
            WHEN 'USAGE' THEN has_sequence_privilege(to_regclass(name), privilege)
            ELSE has_table_privilege(to_regclass(name), privilege)
        END GROUP BY privilege ORDER BY privilege)
"""


_READ_ONLY = "25006"
# By PostgreSQL's SQLSTATE, and by the beginning of SQLite's name of an error.
_ADVICE = {
    _READ_ONLY: "Connect the API to the primary, or promote this server.",
    "53100": "Free space on the disk of the database.",
    "53300": "Raise max_connections, or run fewer workers.",
    "55P03": "Find the transaction that holds the lock with pg_blocking_pids().",
    "57": "See the log of the database, and pg_stat_activity.",
    "SQLITE_BUSY": "Find the program that holds the lock of the file with fuser.",
    "SQLITE_FULL": "Free space on the disk of the file.",
    "SQLITE": "Check DATABASE_URL, the permissions of the file and its folder, and the log of the system.",
}
_UNREACHABLE = "Check that the database runs, and DATABASE_URL."
_FIRST_REPLACED = ("timesheets", "0001_initial")
_LAST_REPLACED = ("timesheets", "0010_rejection_sheet")
# It still has the migrations that are one now, from the sixth on.
_COMMIT_BEFORE = "efa7de2"


class DatabaseUnfit(Exception):
    """The database stores nothing, or lacks migrations. The message says why, and what to do."""


def is_database_failure(exc: Exception) -> bool:
    """True if the database is busy, lost or read-only, like a standby before it is promoted."""
    is_read_only = isinstance(exc, InternalError) and read_code(exc) == _READ_ONLY
    return is_read_only or isinstance(exc, OperationalError | InterfaceError)


def explain_failure(failure: Exception) -> str:
    """One line: the code of the error, the database's own words, and what to do."""
    code = read_code(failure)
    words = " ".join(f"{code} {failure}".split()) or type(failure).__name__
    # No code means that the driver got no answer, and class 08 is about connections.
    advice = next((text for beginning, text in _ADVICE.items() if code.startswith(beginning)), _UNREACHABLE)
    return f"{words}. {advice}"


def require_current_schema() -> None:
    """Raise DatabaseUnfit, or Django's database errors.

    Migrations that only another version of the code knows do not count.
    """
    require_no_half_squash(connection.alias)
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        names = ", ".join(str(migration) for migration, _ in plan)
        raise DatabaseUnfit(
            f"The database {describe_database()} has unapplied migrations ({len(plan)}): {names}.\n"
            "Apply them: python manage.py migrate"
        )


def require_no_half_squash(alias: str) -> None:
    """Raise DatabaseUnfit. Django would take some of the replaced migrations for all of them."""
    applied = MigrationRecorder(connections[alias]).applied_migrations()
    if _FIRST_REPLACED in applied and _LAST_REPLACED not in applied:
        raise DatabaseUnfit(
            f"The database {describe_database()} is too old for this version: it lacks "
            f"{'.'.join(_LAST_REPLACED)}.\n"
            f"First run python manage.py migrate with the code of commit {_COMMIT_BEFORE}"
        )


def describe_database() -> str:
    """The name of the database and its address, without the user and the password."""
    configured = connection.settings_dict
    address = ":".join(str(part) for part in (configured["HOST"], configured["PORT"]) if part)
    return f"{configured['NAME']} at {address}" if address else str(configured["NAME"])


@contextmanager
def use_new_connection() -> Iterator[None]:
    """Give this thread another default connection, and close it at the end.

    A pool would hide why it cannot connect, and under load it has no connection left, although all is well.
    """
    wait = "connect_timeout" if connection.vendor == "postgresql" else "timeout"
    usual = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = open_connection(**{wait: MAX_WAIT_SECONDS})
    try:
        yield
    finally:
        connection.close()
        connections[DEFAULT_DB_ALIAS] = usual


def require_writable_database(privileges: Iterable[tuple[str, str]]) -> None:
    """Raise DatabaseUnfit, or Django's database errors."""
    if connection.vendor == "postgresql":
        _require_primary_with_privileges(privileges)
    else:
        _require_writable_file()
        with connection.cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("ROLLBACK")


def _require_primary_with_privileges(privileges: Iterable[tuple[str, str]]) -> None:
    names = [list(column) for column in zip(*privileges, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_POSTGRESQL_OBSTACLES, names)
        is_read_only, missing = cursor.fetchone()
    if is_read_only == "on":
        reason = "It is a standby, or default_transaction_read_only is on. Let DATABASE_URL name the primary."
        raise DatabaseUnfit(f"{describe_database()}: {reason}")
    if missing:
        user = connection.settings_dict["USER"]
        grants = "; ".join(f"GRANT {privileges} TO {user}" for privileges in missing)
        reason = "Its user lacks privileges. As the owner, run:"
        raise DatabaseUnfit(f"{describe_database()}: {reason} {grants}")


def _require_writable_file() -> None:
    """Raise OperationalError. SQLite keeps its log next to the file, so it writes to the folder as well."""
    file = Path(connection.settings_dict["NAME"])
    for path in (file.parent, file):
        if not os.access(path, os.W_OK):
            # To connect would create the file.
            raise OperationalError(f"{path} does not exist, or user {os.geteuid()} may not write to it")
