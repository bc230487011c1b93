"""Upload timesheet entries to the Timesheets API, as a cron job."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from timesheets.management.command_line import HelpFormatter
from timesheets_client.arguments import add_arguments
from timesheets_client.command import DESCRIPTION, USAGE, run_command, write_epilog

SOURCE = """, also read from .env in the folder of manage.py; without
any of them, the command uses the development issuer and, without FILE, uploads
the tutorial's one entry"""


class Command(BaseCommand):
    help = DESCRIPTION
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name,
            subcommand,
            usage=USAGE,
            formatter_class=HelpFormatter,
            epilog=write_epilog(SOURCE),
            **kwargs,
        )

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        status = run_command(
            options,
            variables=os.environ,
            development=getattr(settings, "UPLOADER_DEVELOPMENT_VARIABLES", {}),
            stdout=self.stdout,
            stderr=self.stderr,
        )
        if status:
            sys.exit(status)
