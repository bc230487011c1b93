"""Tell an operator why the database failed, or which migrations it lacks."""

from django.db import InterfaceError, InternalError, OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

_READ_ONLY = "25006"
_FIRST_REPLACED = ("timesheets", "0001_initial")
_LAST_REPLACED = ("timesheets", "0010_rejection_sheet")
# It still has the migrations that are one now, from the sixth on.
_COMMIT_BEFORE = "efa7de2"


class SchemaOutdated(Exception):
    """The database lacks migrations. The message names them and says what to do."""


def is_database_failure(exc: Exception) -> bool:
    """True if the database is busy, lost or read-only, like a standby before it is promoted."""
    is_read_only = isinstance(exc, InternalError) and read_code(exc) == _READ_ONLY
    return is_read_only or isinstance(exc, OperationalError | InterfaceError)


def explain_failure(failure: Exception) -> str:
    """The code of the error and the database's own words, in one line."""
    return " ".join(f"{read_code(failure)} {failure}".split()) or type(failure).__name__


def read_code(exc: Exception) -> str:
    """The SQLSTATE or SQLite's name of the error; empty if the driver has neither."""
    cause = exc.__cause__
    return getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None) or ""


def require_current_schema() -> None:
    """Raise SchemaOutdated, or Django's database errors.

    Migrations that only another version of the code knows do not count.
    """
    require_no_half_squash(connection.alias)
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        names = ", ".join(str(migration) for migration, _ in plan)
        raise SchemaOutdated(
            f"The database {describe_database()} has unapplied migrations ({len(plan)}): {names}.\n"
            "Apply them: python manage.py migrate"
        )


def require_no_half_squash(alias: str) -> None:
    """Raise SchemaOutdated. Django would take some of the replaced migrations for all of them."""
    applied = MigrationRecorder(connections[alias]).applied_migrations()
    if _FIRST_REPLACED in applied and _LAST_REPLACED not in applied:
        raise SchemaOutdated(
            f"The database {describe_database()} is too old for this version: it lacks "
            f"{'.'.join(_LAST_REPLACED)}.\n"
            f"First run python manage.py migrate with the code of commit {_COMMIT_BEFORE}"
        )


def describe_database() -> str:
    """The name of the database and its address, without the user and the password."""
    configured = connection.settings_dict
    address = ":".join(str(part) for part in (configured["HOST"], configured["PORT"]) if part)
    return f"{configured['NAME']} at {address}" if address else str(configured["NAME"])
