"""Keep two runs from uploading the same input at the same time."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from timesheets_client.context import RunContext
from timesheets_client.errors import InputInUse
from timesheets_client.local_files import try_lock
from timesheets_client.network.retries import Clock, poll
from timesheets_client.reading.inputs import Input, open_input

POLL_SECONDS = 0.2


def open_locked(name: str, context: RunContext) -> AbstractContextManager[Input]:
    """Open and lock an input. Raises InputUnreadable or InputInUse."""
    return lock_input(open_input(name, context.environment.stdin), context)


@contextmanager
def lock_input(source: Input, context: RunContext) -> Iterator[Input]:
    """Lock the input and close it at the end. Raises InputInUse."""
    try:
        if source.path:
            lock(source.file, source.name, context.lock_wait_seconds, context.connection.clock)
            if not is_same_file(source.file, source.path):
                # Another run moved it before this run got the lock.
                raise InputInUse(f"{source.name}: was moved or replaced just now; run it again")
        yield source
    finally:
        if source.file is not context.environment.stdin:
            source.file.close()


def is_same_file(file: IO[Any], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def lock(file: IO[Any], name: str, wait_seconds: float, clock: Clock, activity: str = "uploading") -> None:
    """Lock `file` until it is closed. Raises InputInUse if another run holds the lock."""
    reason = f"another run that is {activity} {name}"
    if not poll(partial(try_lock, file), wait_seconds, clock, interval_seconds=POLL_SECONDS, reason=reason):
        raise InputInUse(
            f"{name}: another run is {activity} this; run it again later, or wait for it: --lock-wait 60"
        )
