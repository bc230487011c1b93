"""Rid the pool of connections to PostgreSQL of broken ones, all at once."""

import threading
from typing import Any

from django.db import connection
from psycopg_pool import ConnectionPool

_is_checking = threading.Lock()


def check_connection(candidate: Any) -> None:
    """Check a connection before a request gets it. Raises psycopg's error if it is broken.

    A restart of the database breaks all of them, and a request gives up after three. So a broken one has all
    the others checked and replaced: in the background, because a lost network answers late.
    """
    try:
        ConnectionPool.check_connection(candidate)
    except Exception:
        pool = connection.pool  # type: ignore[attr-defined]
        threading.Thread(target=_check_all, args=[pool], name="pool", daemon=True).start()
        raise


def _check_all(pool: Any) -> None:
    if _is_checking.acquire(blocking=False):
        try:
            pool.check()
        finally:
            _is_checking.release()
