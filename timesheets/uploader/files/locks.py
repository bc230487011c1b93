"""Keep two runs from uploading the same input at once."""

import errno
from collections.abc import Callable
from typing import IO, Any

from timesheets.uploader.errors import InputInUse

POLL_SECONDS = 0.2


def lock(
    file: IO[Any],
    name: str,
    wait_seconds: float,
    *,
    monotonic: Callable[[], float],
    sleep: Callable[[float], None],
) -> None:
    """Hold the lock of `file` until it is closed. Raises InputInUse where another run keeps it."""
    deadline = monotonic() + wait_seconds
    while not try_lock(file):
        if monotonic() >= deadline:
            raise InputInUse(
                f"{name}: another run is uploading this; run it again later, or let it wait: --lock-wait 60"
            )
        sleep(min(POLL_SECONDS, max(0.0, deadline - monotonic())))


def try_lock(file: IO[Any]) -> bool:
    try:
        import fcntl
    except ImportError:
        # Windows has no locks that others may read under; what is sent twice is stored once.
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Some network file systems lock nothing that is open for reading only.
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True
