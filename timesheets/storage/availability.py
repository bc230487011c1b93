"""Check that the database would store an entry, without storing one. Knows the database; knows no HTTP."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections

from timesheets.storage.failures import describe_database
from timesheets.storage.writer import open_connection

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


class NotWritable(Exception):
    """The database can be read but stores nothing. The message says why, and what to do."""


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


def require_working_pool() -> None:
    """Take a free connection of the pool, as a request does. Raises OperationalError.

    A busy pool has none, although all is well.
    """
    pool = getattr(connection, "pool", None)
    if pool is not None and pool.get_stats()["pool_available"]:
        try:
            connection.ensure_connection()
        finally:
            connection.close()


def require_writable_database(privileges: Iterable[tuple[str, str]]) -> None:
    """Raise NotWritable, or Django's database errors."""
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
        raise NotWritable(f"{describe_database()}: {reason}")
    if missing:
        user = connection.settings_dict["USER"]
        grants = "; ".join(f"GRANT {privileges} TO {user}" for privileges in missing)
        reason = "Its user lacks privileges. As the owner, run:"
        raise NotWritable(f"{describe_database()}: {reason} {grants}")


def _require_writable_file() -> None:
    """Raise OperationalError. SQLite keeps its log next to the file, so it writes to the folder as well."""
    file = Path(connection.settings_dict["NAME"])
    for path in (file.parent, file):
        if not os.access(path, os.W_OK):
            # To connect would create the file.
            raise OperationalError(f"{path} does not exist, or user {os.geteuid()} may not write to it")
