"""What commands that look for a fault have in common: they change nothing, and --help tells their status."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from timesheets.management.help import HelpFormatter


class DiagnosticStatus(IntEnum):
    """BSD's sysexits, as far as they fit."""

    GOOD = 0
    MISCONFIGURED = 1
    USAGE = 2
    REFUSED = 65
    TEMPORARY = 75
    CONFIGURATION = 78
    INTERRUPTED = 130


class DiagnosticCommand(BaseCommand):
    """A command whose --help ends with `exit_statuses`."""

    exit_statuses: Mapping[DiagnosticStatus, str]

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        lines = [f"  {status:<3}  {meaning}" for status, meaning in self.exit_statuses.items()]
        epilog = "\n".join(["exit status:", *lines])
        return super().create_parser(
            prog_name, subcommand, formatter_class=HelpFormatter, epilog=epilog, **kwargs
        )


@contextmanager
def silenced_logs(verbosity: int) -> Iterator[None]:
    """Keep the API's own log lines out of the answer, which says the same at length; -v 2 shows them."""
    if verbosity > 1:
        yield
        return
    previous = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(previous)
