"""Compare the tables that this code needs with those that the database has."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def find_unapplied_migrations() -> list[str]:
    """This code's migrations that the database lacks, in order, such as `timesheets.0001_initial`.

    Migrations that only another version of the code knows do not count. Raises Django's database errors.
    """
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [str(migration) for migration, _ in plan]


def describe_database() -> str:
    """The name of the database and its address, without the user and the password."""
    configured = connection.settings_dict
    address = ":".join(str(part) for part in (configured["HOST"], configured["PORT"]) if part)
    return f"{configured['NAME']} at {address}" if address else str(configured["NAME"])
