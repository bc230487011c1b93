"""Who owns a file, and whether others may read it. POSIX says so in its status, Windows in access lists.

The client does not read access lists. On Windows, the person who sets up the
job decides who may read its files.
"""

import os
import stat
import sys


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
