"""Recognize a link. On Windows that is also a junction, which every user can create."""

import os
import stat
from pathlib import Path

# IsReparseTagNameSurrogate of winnt.h: the name leads to another file or folder.
NAME_SURROGATE = 0x20000000


def is_link(status: os.stat_result) -> bool:
    """Whether `status`, which is that of lstat, belongs to a link."""
    return stat.S_ISLNK(status.st_mode) or bool(getattr(status, "st_reparse_tag", 0) & NAME_SURROGATE)


def leads_elsewhere(path: Path) -> bool:
    """Whether a link is at `path`."""
    try:
        return is_link(path.lstat())
    except OSError:
        return False
