"""Work in folders in which other users may write, and explain errors of the disk."""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, count
from pathlib import Path

from timesheets_client.errors import FileBlocked, FileUnavailable
from timesheets_client.local_files import is_in_use, is_link
from timesheets_client.printable import escape

FULL = (errno.ENOSPC, errno.EDQUOT)
MAX_NAME_BYTES = 255


def make_real_folder(folder: Path) -> None:
    """Create the folder if it is missing. Raises OSError for a link, a file and another user's folder."""
    with suppress(FileExistsError):
        folder.mkdir()
    status = folder.lstat()
    if is_link(status) or not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "is a link or a file, not a folder")
    trusted = (status.st_uid,) if sys.platform == "win32" else (0, os.geteuid(), folder.parent.stat().st_uid)
    if status.st_uid not in trusted:
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
