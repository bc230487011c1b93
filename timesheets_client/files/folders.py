"""Work where other runs and users work too, and explain errors of the disk."""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import IO, Any

from timesheets_client.context import RunContext
from timesheets_client.errors import FileBlocked, FileUnavailable, InputInUse
from timesheets_client.local_files import is_in_use, is_link, try_lock
from timesheets_client.network.retries import Clock, poll
from timesheets_client.reading.inputs import Input, open_input
from timesheets_files.printable import escape

FULL = (errno.ENOSPC, errno.EDQUOT)
MAX_NAME_BYTES = 255


@contextmanager
def stay_in(folder: Path) -> Iterator[Path]:
    """Another path of the folder, which stays that of this folder even if a link takes its name.

    Only Linux with /proc has one; elsewhere a moment is left between the check and a write. Creates the
    folder. Raises OSError for a link, a file and another user's folder.
    """
    with suppress(FileExistsError):
        folder.mkdir()
    require_trusted(folder.lstat(), folder)
    if sys.platform == "linux":
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            require_trusted(os.fstat(descriptor), folder)
            stable = Path(f"/proc/self/fd/{descriptor}")
            yield stable if stable.exists() else folder
        finally:
            os.close(descriptor)
    else:
        yield folder


def require_trusted(status: os.stat_result, folder: Path) -> None:
    """Raise OSError unless it is a folder of this user, of root, or of the owner of the folder around it."""
    if is_link(status) or not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "is a link or a file, not a folder")
    if sys.platform != "win32" and status.st_uid not in (0, os.geteuid(), folder.parent.stat().st_uid):
        raise PermissionError(errno.EPERM, "belongs to another user")


def find_free_path(path: Path) -> Path:
    """`path`, or if that is taken, one with a name such as `week23-2.csv`, `week23-3.csv` and so on."""
    stem, dot, suffixes = path.name.partition(".")
    names = chain([path.name], (f"{stem}-{number}{dot}{suffixes}" for number in count(2)))
    return next(free for name in names if not os.path.lexists(free := path.with_name(name)))


def add_suffix(name: str, suffix: str) -> str:
    """The name with the suffix, shortened to what file systems accept, with room for a number."""
    max_bytes = MAX_NAME_BYTES - len(suffix) - len("-100")
    # Whole characters, because macOS and Windows accept no parts of them.
    while len(os.fsencode(name)) > max_bytes:
        name = name[:-1]
    return f"{name}{suffix}"


@contextmanager
def explain_os_errors(path: Path, problem: str, advice: str) -> Iterator[None]:
    """Raise FileUnavailable or FileBlocked in place of OSError."""
    try:
        yield
    except OSError as error:
        message = f"{escape(str(path))}: {problem}: {error.strerror}"
        if error.errno in FULL:
            raise FileUnavailable(f"{message}; make room there and run it again") from None
        if is_in_use(error):
            raise FileUnavailable(f"{message}: another program has it open; run it again later") from None
        raise FileBlocked(f"{message}; {advice}") from None


def open_locked(name: str, context: RunContext) -> AbstractContextManager[Input]:
    """Open and lock an input. Raises InputUnreadable or InputInUse."""
    return lock_input(open_input(name, context.environment.stdin), context)


@contextmanager
def lock_input(source: Input, context: RunContext) -> Iterator[Input]:
    """Lock the input and close it at the end. Raises InputInUse."""
    with source.file:
        if source.path:
            lock(source.file, source.name, context.options.lock_wait_seconds, context.connection.clock)
            if not is_same_file(source.file, source.path):
                # Another run moved it before this run got the lock.
                raise InputInUse(f"{source.name}: was moved or replaced just now; run it again")
        yield source


def is_same_file(file: IO[Any], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def lock(file: IO[Any], name: str, wait_seconds: float, clock: Clock) -> None:
    """Lock `file` until it is closed. Raises InputInUse if another run holds the lock."""
    reason = f"another run that works on {name}"
    if not poll(partial(try_lock, file), wait_seconds, clock, reason):
        raise InputInUse(f"{name}: another run works on this; run it again later, or wait: --lock-wait 60")
