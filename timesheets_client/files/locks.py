"""Keep two runs from uploading the same input at once."""

import errno
from itertools import count
from typing import IO, Any

from timesheets_client.errors import InputInUse
from timesheets_client.network.retries import Clock

POLL_SECONDS = 0.2


def lock(file: IO[Any], name: str, wait_seconds: float, clock: Clock) -> None:
    """Hold the lock of `file` until it is closed. Raises InputInUse where another run keeps it."""
    deadline = clock.monotonic() + wait_seconds
    for attempt in count():
        if try_lock(file):
            return
        left = deadline - clock.monotonic()
        if left <= 0:
            raise InputInUse(
                f"{name}: another run is uploading this; run it again later, or let it wait: --lock-wait 60"
            )
        if attempt == 0:
            clock.announce(f"waiting up to {left:.1f} s for another run that is uploading {name}.")
        clock.sleep(min(POLL_SECONDS, left))


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
