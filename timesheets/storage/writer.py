"""The connection with which this process stores entries, and the line in which uploads wait for it.

SQLite has one writer at a time. Its writers do not queue: each sleeps, tries again, and may starve. Therefore
all uploads of a process use one connection, in the order in which they arrived. Its page cache is large and
stays valid, because nobody else in the process writes entries. In PostgreSQL, only the groups of single
entries use this connection.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

from timesheets.storage.group_commit import FairLock, WaitedTooLong

# Like the lock timeout in PostgreSQL. In SQLite, the `timeout` of DATABASE_URL counts.
MAX_WAIT_SECONDS = 10
# While another process writes to SQLite, try again after this time.
_POLL_SECONDS = 0.001
# The server may have gone away since. A check costs a round trip.
_MAX_UNCHECKED_SECONDS = 1
# In KiB, as SQLite's negative cache sizes are. Without it, each insert into a large index reads from disk.
_CACHE_KIB = 64_000

# psycopg's default: a statement is prepared when it runs for the sixth time.
_PREPARE_THRESHOLD = 5

Result = TypeVar("Result")


def open_connection(**options: Any) -> BaseDatabaseWrapper:
    """A connection to the default database with these OPTIONS, that does not come from a pool."""
    configured = connections.settings[DEFAULT_DB_ALIAS]
    options = {**configured["OPTIONS"], **options}
    options.pop("pool", None)
    wrapper: type[BaseDatabaseWrapper] = load_backend(configured["ENGINE"]).DatabaseWrapper
    settings = {**configured, "OPTIONS": options, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": False}
    return wrapper(settings, DEFAULT_DB_ALIAS)


_line = FairLock()
_writer: BaseDatabaseWrapper | None = None
# Times on the monotonic clock: when it was used, and until when the upload whose turn it is may wait.
_used_at = _deadline = 0.0
# SQLite's file. After a restore from a backup, the same path is another one.
_file: tuple[int, int] | None = None


@contextmanager
def take_turn() -> Iterator[None]:
    """Make the writer this thread's default connection, after all uploads that asked before.

    It commits each statement. Raises OperationalError.
    """
    global _deadline
    wait_seconds = connection.settings_dict["OPTIONS"].get("timeout", MAX_WAIT_SECONDS)
    deadline = time.monotonic() + wait_seconds
    try:
        _line.acquire(wait_seconds)
    except WaitedTooLong:
        raise OperationalError("The uploads before this one took too long") from None
    _deadline = deadline
    own = connections[DEFAULT_DB_ALIAS]
    try:
        connections[DEFAULT_DB_ALIAS] = _require_writer()
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = own
        _line.release()


def _require_writer() -> BaseDatabaseWrapper:
    """The writer. If it is too old to be trusted, the next statement connects again."""
    global _writer, _used_at, _file
    if _writer is None:
        # Django turns prepared statements off.
        options: dict[str, Any] = {"prepare_threshold": _PREPARE_THRESHOLD}
        if connection.vendor == "sqlite":
            command = connection.settings_dict["OPTIONS"].get("init_command", "")
            options = {"timeout": 0, "init_command": f"{command};PRAGMA cache_size = -{_CACHE_KIB}"}
        _writer = open_connection(**options)
        # Only the thread whose turn it is uses it.
        _writer.inc_thread_sharing()
    last_file, _file = _file, _identify_file(_writer)
    before, _used_at = _used_at, time.monotonic()
    _writer.close_if_unusable_or_obsolete()
    is_stale = _used_at > before + _MAX_UNCHECKED_SECONDS and _writer.connection is not None
    if _file != last_file or (is_stale and not _writer.is_usable()):
        _writer.close()
    return _writer


def _identify_file(database: BaseDatabaseWrapper) -> tuple[int, int] | None:
    if database.vendor != "sqlite":
        return None
    try:
        status = os.stat(database.settings_dict["NAME"])  # noqa: PTH116  A Path costs ten times as much.
    except OSError:
        return None
    return status.st_dev, status.st_ino


def close_writer() -> None:
    global _writer
    if _writer is not None:
        _writer.close()
        _writer = None


@contextmanager
def begin_upload() -> Iterator[None]:
    """Run the block in a transaction, or as part of the caller's. Raises OperationalError."""
    with ExitStack() as stack:
        if connection.vendor == "postgresql" or connection.in_atomic_block:
            stack.enter_context(transaction.atomic())
        else:
            stack.enter_context(take_turn())
            wait_for_lock(lambda: stack.enter_context(transaction.atomic()))
        yield


def wait_for_lock(begin: Callable[[], Result]) -> Result:
    """Return the result of `begin`, which takes SQLite's write lock, once no other process holds it.

    SQLite itself would sleep for up to 100 ms each time. Belongs in a turn. Raises OperationalError.
    """
    while True:
        try:
            return begin()
        except OperationalError as error:
            if not read_code(error).startswith("SQLITE_BUSY") or time.monotonic() > _deadline:
                raise
        time.sleep(_POLL_SECONDS)


def read_code(exc: Exception) -> str:
    """The SQLSTATE or SQLite's name of the error; empty if the driver has neither."""
    cause = exc.__cause__
    return getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None) or ""
