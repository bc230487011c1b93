"""A connection of the pool to PostgreSQL. If it is broken, the pool checks all of them."""

import threading
from typing import Any

from django.db import connection
from psycopg import Connection, Cursor

_is_checking = threading.Lock()


class PooledConnection(Connection[Any]):
    """A restart of the database breaks all connections, and a request gives up after three broken ones."""

    def execute(self, *args: Any, **kwargs: Any) -> Cursor[Any]:
        """Run the statement with which the pool checks a connection. Django runs its own with cursors.

        Django 5.2 accepts no check of our own.
        """
        try:
            return super().execute(*args, **kwargs)
        except Exception:
            # In the background, because a lost network answers late.
            if not _is_checking.locked():
                threading.Thread(target=_check_pool, name="pool", daemon=True).start()
            raise


def _check_pool() -> None:
    if _is_checking.acquire(blocking=False):
        try:
            connection.pool.check()  # type: ignore[attr-defined]
        finally:
            _is_checking.release()
