"""What the commands of operators share: who runs them, and tables."""

import getpass
import os
from collections.abc import Sequence


def find_operator() -> str:
    """The user of the operating system who runs this process, or its number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may have no name for it.
        return f"uid {os.getuid()}"


def write_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The rows below the header, in columns that are as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in (header, *rows))
    return "\n".join(lines)
