"""What Windows refuses while a program has a file open: to move it, to delete it, to open it again."""

import sys
from typing import BinaryIO

SHARING_VIOLATION = 32


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
