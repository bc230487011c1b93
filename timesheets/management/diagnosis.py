"""What commands share: the layout of --help, and the exit statuses of those that diagnose."""

import logging
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter


class HelpFormatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Keeps the line breaks of the description and the epilog."""


class DiagnosticStatus(IntEnum):
    """The statuses of BSD's sysexits where one fits."""

    GOOD = 0
    MISCONFIGURED = 1
    USAGE = 2
    REFUSED = 65
    TEMPORARY = 75
    CONFIGURATION = 78
    INTERRUPTED = 130


class DiagnosticCommand(BaseCommand):
    exit_statuses: Mapping[DiagnosticStatus, str]

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        lines = [f"  {status:<3}  {meaning}" for status, meaning in self.exit_statuses.items()]
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
