"""What operating systems do not agree on about files: links, owners and modes, and files that are open."""

import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO

# IsReparseTagNameSurrogate of winnt.h: the name leads to another file or folder.
NAME_SURROGATE = 0x20000000
SHARING_VIOLATION = 32
# Open no link, and wait for no pipe. Windows has neither flag.
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
NO_WAIT = getattr(os, "O_NONBLOCK", 0)

# On Windows, access lists say who may read a file. The client does not read them: the person who sets up the
# job decides who may read its files.


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


def is_trusted(status: os.stat_result, parent: os.stat_result) -> bool:
    """Whether a subfolder belongs to this user, to root or to the owner of its parent."""
    return sys.platform == "win32" or status.st_uid in (os.geteuid(), 0, parent.st_uid)


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
