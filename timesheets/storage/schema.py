"""Compare the tables that this code needs with those that the database has."""

from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

_FIRST_REPLACED = ("timesheets", "0001_initial")
_LAST_REPLACED = ("timesheets", "0010_rejection_sheet")
# It still has the migrations that are one now, from the sixth on.
_COMMIT_BEFORE = "efa7de2"


class SchemaOutdated(Exception):
    """The database lacks migrations. The message names them and says what to do."""


def require_current_schema() -> None:
    """Raises SchemaOutdated, or Django's database errors.

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
    """Raises SchemaOutdated. Django would take some of the replaced migrations for all of them."""
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
