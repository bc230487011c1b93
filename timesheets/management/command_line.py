"""What the commands share: --help, exit statuses, the operator, files and tables."""

import getpass
import logging
import os
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import IntEnum
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter

from timesheets.storage.policy_files import PolicyFileWrong

Policy = TypeVar("Policy")


class HelpFormatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Keeps the line breaks of the description and the epilog."""


class ExitStatus(IntEnum):
    """The statuses of BSD's sysexits where one fits."""

    GOOD = 0
    MISCONFIGURED = 1
    USAGE = 2
    REFUSED = 65
    TEMPORARY = 75
    CONFIGURATION = 78
    INTERRUPTED = 130


class OperatorCommand(BaseCommand):
    """A command whose --help has its exit statuses."""

    exit_statuses: Mapping[ExitStatus, str]

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        meanings = {ExitStatus.GOOD: "done", ExitStatus.USAGE: "wrong usage", **self.exit_statuses}
        lines = [f"  {status:<3}  {meanings[status]}" for status in sorted(meanings)]
        epilog = "\n".join(["exit status:", *lines])
        return super().create_parser(
            prog_name, subcommand, formatter_class=HelpFormatter, epilog=epilog, **kwargs
        )


@contextmanager
def silenced_logs(verbosity: int) -> Iterator[None]:
    """Hide the API's log lines, which repeat what the command prints; -v 2 shows them."""
    previous = logging.root.manager.disable
    if verbosity < 2:
        logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(previous)


def find_operator() -> str:
    """The user of the operating system who runs this process, or its number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may have no name for it.
        return f"uid {os.getuid()}"


def read_policy_file(name: str, read: Callable[[BinaryIO], Policy]) -> tuple[bytes, Policy]:
    """The content of the file, and what `read` makes of it; - is standard input. Raises CommandError."""
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}", returncode=ExitStatus.USAGE) from None
    try:
        return content, read(BytesIO(content))
    except PolicyFileWrong as wrong:
        lines = [f"{name}:{problem}" for problem in str(wrong).splitlines()]
        message = "\n".join([*lines, "Nothing was changed."])
        raise CommandError(message, returncode=ExitStatus.REFUSED) from None


def write_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The rows below the header, in columns that are as wide as their widest cell."""
    table = [header, *([str(cell or "") for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in table)
