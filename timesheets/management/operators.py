"""What the commands of operators share: who runs them, their files, and tables."""

import getpass
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import CommandError

from timesheets.management.diagnosis import DiagnosticStatus
from timesheets.storage.policy_files import PolicyFileWrong


def find_operator() -> str:
    """The user of the operating system who runs this process, or its number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may have no name for it.
        return f"uid {os.getuid()}"


def read_file(name: str) -> bytes:
    """The content of the file; - is standard input. Raises CommandError."""
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}", returncode=DiagnosticStatus.USAGE) from None


@contextmanager
def explained_faults(name: str) -> Iterator[None]:
    """Raises CommandError with all faults that the block finds in the file."""
    try:
        yield
    except PolicyFileWrong as wrong:
        lines = (f"{name}:{problem}" for problem in str(wrong).splitlines())
        raise CommandError(
            "\n".join([*lines, "Nothing was changed."]), returncode=DiagnosticStatus.REFUSED
        ) from None


def write_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The rows below the header, in columns that are as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in (header, *rows))
    return "\n".join(lines)
