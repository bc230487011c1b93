"""Read and write files without trusting what is there, on every operating system."""

import errno
import os
import stat
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, BinaryIO

OWNER_ONLY = 0o600
# IsReparseTagNameSurrogate of winnt.h: the name leads to another file or folder.
NAME_SURROGATE = 0x20000000
SHARING_VIOLATION = 32
# Open no link, and wait for no pipe. Windows has neither flag.
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
NO_WAIT = getattr(os, "O_NONBLOCK", 0)


def is_link(status: os.stat_result) -> bool:
    """Whether `status`, which is that of lstat, belongs to a link, or on Windows, to a junction.

    Every user can create a junction.
    """
    return stat.S_ISLNK(status.st_mode) or bool(getattr(status, "st_reparse_tag", 0) & NAME_SURROGATE)


def leads_elsewhere(path: Path) -> bool:
    """Whether a link is at `path`."""
    try:
        return is_link(path.lstat())
    except OSError:
        return False


def is_own(status: os.stat_result) -> bool:
    return sys.platform == "win32" or status.st_uid == os.geteuid()


def is_closed_to_others(status: os.stat_result) -> bool:
    return sys.platform == "win32" or not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def set_mode(descriptor: int, mode: int) -> None:
    # On Windows a file that nobody may write to cannot be replaced.
    if sys.platform != "win32":
        os.fchmod(descriptor, mode)


def prepare_move(file: BinaryIO) -> None:
    """Close the file where an open one cannot be moved. Elsewhere it stays open, which keeps its lock."""
    if sys.platform == "win32":
        file.close()


def is_in_use(error: OSError) -> bool:
    """Whether a file was not moved or deleted because another program has it open."""
    return getattr(error, "winerror", None) == SHARING_VIOLATION


def may_be_in_use(error: OSError) -> bool:
    """Whether a file was not opened because another program has it open, or for lack of permission."""
    return sys.platform == "win32" and isinstance(error, PermissionError)


def make_private_folder(folder: Path) -> None:
    """Create the folder, or close it to other users. Raises OSError for a link or another user's folder."""
    if leads_elsewhere(folder):
        raise OSError(errno.ELOOP, "it is a symbolic link")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if not is_own(status):
        raise PermissionError(errno.EPERM, "it belongs to another user")
    if not is_closed_to_others(status):
        folder.chmod(0o700)


def read_file(path: Path, max_bytes: int, flags: int = 0) -> tuple[bytes, os.stat_result]:
    """The content, and the status of the same opened file. `flags` are passed to os.open."""
    with open(path, "rb", opener=lambda name, default: os.open(name, default | flags)) as file:
        return file.read(max_bytes), os.fstat(file.fileno())


def read_private_file(path: Path, max_bytes: int) -> bytes | None:
    """The content; None if the file is missing, is a link, or is not closed to other users."""
    try:
        content, status = read_file(path, max_bytes, NO_FOLLOW | NO_WAIT)
    except OSError:
        return None
    return content if is_own(status) and is_closed_to_others(status) else None


def open_regular(path: Path, flags: int = os.O_RDONLY) -> BinaryIO:
    """Open a regular file that is no link, for updates unless it is O_RDONLY. Raises OSError."""
    # Windows has no flag for it.
    if leads_elsewhere(path):
        raise OSError(errno.ELOOP, "is a link")
    descriptor = os.open(path, flags | NO_FOLLOW | NO_WAIT, OWNER_ONLY)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is not a regular file")
    return os.fdopen(descriptor, "rb" if flags == os.O_RDONLY else "r+b")


def try_lock(file: IO[Any]) -> bool:
    """Lock the file until it is closed or the process ends. False if another process holds the lock."""
    # A run that ends early needs no lock.
    import filelock

    try:
        return filelock.lock_descriptor(file.fileno(), blocking=False)
    except OSError:
        # Some network file systems cannot lock a file that is open only for reading.
        return True


def replace_file(path: Path, lines: Iterable[bytes], mode: int = OWNER_ONLY) -> None:
    """Write the file atomically: a reader sees the old content or the new. Raises OSError.

    Replaces a link, and does not follow it.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name[:32]}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(lines)
            file.flush()
            set_mode(descriptor, mode)
            # Otherwise a power cut can leave an empty file under the new name.
            os.fsync(descriptor)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise
