"""Files and folders for one user: nobody else can have read or written them."""

import errno
import os
import stat
import tempfile
from pathlib import Path


def make_private_folder(folder: Path) -> None:
    """Make it, or close it to other users. Raises OSError if that can't be, or it's a link or another's."""
    if folder.is_symlink():
        raise OSError(errno.ELOOP, "it is a symbolic link")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if not is_own(status):
        raise PermissionError(errno.EPERM, "it belongs to another user")
    if not is_private(status):
        folder.chmod(0o700)


def read_private_file(path: Path, bytes_at_most: int) -> bytes | None:
    """What the file holds; None if there is none, it is a link, or others could have a hand in it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as file:
            return file.read(bytes_at_most) if is_private(os.fstat(descriptor)) else None
    except OSError:
        return None


def replace_private_file(path: Path, content: bytes) -> None:
    """Write the file as a whole: who reads it meanwhile sees the old one or the new one. Raises OSError."""
    # For its owner only, from the first moment.
    descriptor, temporary = tempfile.mkstemp(prefix=f"{path.stem}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            # Without it a power cut may leave the new name with nothing in it.
            os.fsync(descriptor)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise


def is_own(status: os.stat_result) -> bool:
    return os.name != "posix" or status.st_uid == os.geteuid()


def is_private(status: os.stat_result) -> bool:
    # Windows has no such modes; there a user's folder is closed to others as it is.
    return os.name != "posix" or (is_own(status) and not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO))
