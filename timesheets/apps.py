from multiprocessing.util import Finalize
from typing import Any

from django.apps import AppConfig
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.management import CommandError
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connections, reset_queries
from django.db.models.signals import pre_migrate

from timesheets.storage.availability import DatabaseUnfit, require_no_half_squash
from timesheets.storage.writer import close_writer


class TimesheetsConfig(AppConfig):
    name = "timesheets"

    def ready(self) -> None:
        from timesheets import checks  # noqa: F401  Importing it registers the checks.

        # Before Python 3.13, atexit does not run in granian's workers, which are forked.
        Finalize(None, close_connections, exitpriority=0)
        pre_migrate.connect(prepare_migration, sender=self)
        # The end of a request closes old connections, and the log of queries has a limit of its own.
        request_started.disconnect(close_old_connections)
        request_started.disconnect(reset_queries)
        # Nothing uses a cache, and each request sets its own URLconf.
        request_finished.disconnect(close_caches)
        request_finished.disconnect(reset_urlconf)


def close_connections() -> None:
    """Let a process that used PostgreSQL exit at once. Later, the threads of a pool cannot be stopped."""
    close_writer()
    for connection in connections.all(initialized_only=True):
        if hasattr(connection, "close_pool"):
            connection.close_pool()


def prepare_migration(*, using: str, **_: Any) -> None:
    """Let each statement take as long as it needs. Waits for locks keep their limit. Raises CommandError."""
    try:
        require_no_half_squash(using)
    except DatabaseUnfit as error:
        raise CommandError(str(error)) from None
    if connections[using].vendor == "postgresql":
        with connections[using].cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
