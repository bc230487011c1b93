import atexit

from django.apps import AppConfig
from django.db import connections

from timesheets.storage.writer import close_writer


class TimesheetsConfig(AppConfig):
    name = "timesheets"

    def ready(self) -> None:
        from timesheets import checks  # noqa: F401  Importing it registers the checks.

        atexit.register(close_connections)


def close_connections() -> None:
    """Let a process that used PostgreSQL exit at once. Later, the threads of a pool cannot be stopped."""
    close_writer()
    for connection in connections.all(initialized_only=True):
        if hasattr(connection, "close_pool"):
            connection.close_pool()
