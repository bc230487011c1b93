"""Start the production server, granian, with the values that the API was measured with."""

import importlib.util
import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from timesheets.management.diagnosis import DiagnosticStatus
from timesheets.management.help import HelpFormatter

APPLICATION = "timesheets_site.wsgi:application"

# As variables, so that an option or a variable of the caller's wins. docs/decisions.md has the reasons.
DEFAULTS = {
    "GRANIAN_INTERFACE": "wsgi",
    "GRANIAN_HTTP": "1",
    "GRANIAN_WEBSOCKETS": "false",
    "GRANIAN_WORKERS": "2",
    # For each worker: how many requests run at once, and how many connections may be open.
    "GRANIAN_BLOCKING_THREADS": "64",
    "GRANIAN_BACKPRESSURE": "1024",
    # Until the head of a request is complete, and also until the next request of a connection begins.
    "GRANIAN_HTTP1_HEADER_READ_TIMEOUT": "10000",
    # The longest head, of which each open connection may hold one.
    "GRANIAN_HTTP1_BUFFER_SIZE": "65536",
    "GRANIAN_WORKERS_KILL_TIMEOUT": "10",
    # glibc reads this when a process starts, so only a new process can have it.
    "MALLOC_ARENA_MAX": "2",
}


class Command(BaseCommand):
    help = """\
Start the production server, granian, under the settings that DJANGO_SETTINGS_MODULE names.

Takes granian's options, which win over the defaults below; so do the variables themselves.
`granian --help` lists them. The server ends with granian's exit status."""
    # The server makes them when it loads the application.
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        defaults = [f"  {name}={value}" for name, value in DEFAULTS.items()]
        return super().create_parser(
            prog_name,
            subcommand,
            usage=f"{prog_name} {subcommand} [--settings SETTINGS] [GRANIAN'S OPTIONS]",
            epilog="\n".join(["defaults:", *defaults]),
            formatter_class=HelpFormatter,
            allow_abbrev=False,
            **kwargs,
        )

    def run_from_argv(self, argv: list[str]) -> None:
        """Take what is not Django's own option for one of granian's."""
        options, granian_options = self.create_parser(argv[0], argv[1]).parse_known_args(argv[2:])
        try:
            self.execute(*granian_options, **vars(options))
        except CommandError as error:
            self.stderr.write(str(error))
            sys.exit(error.returncode)

    def handle(self, *granian_options: str, **_: Any) -> None:
        """Become granian. Raises CommandError where that cannot serve in production."""
        if settings.DEBUG:
            raise _refuse(
                "These settings are for development, where runserver serves. "
                "Set DJANGO_SETTINGS_MODULE=timesheets_site.settings_production."
            )
        if importlib.util.find_spec("granian") is None:
            raise _refuse("granian is not installed: python -m pip install -r requirements.txt")
        command = [sys.executable, "-P", "-m", "granian", *granian_options, APPLICATION]
        # Modules are found where this process finds them, wherever it was started.
        variables = {**DEFAULTS, **os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        # The same process goes on, so a supervisor's signals reach granian, and its exit status is ours.
        os.execve(sys.executable, command, variables)  # noqa: S606


def _refuse(message: str) -> CommandError:
    return CommandError(message, returncode=DiagnosticStatus.CONFIGURATION)
