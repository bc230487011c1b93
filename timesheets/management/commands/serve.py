"""Start the production server, granian, with defaults that suit the API."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser, SystemCheckError
from django.db import Error

from timesheets import conf
from timesheets.management.command_line import ExitStatus, HelpFormatter
from timesheets.storage.availability import (
    DatabaseUnfit,
    describe_database,
    is_database_failure,
    require_current_schema,
    use_new_connection,
)
from timesheets.storage.clients import count_clients_of_other_issuers

APPLICATION = "timesheets_site.worker:application"

# granian writes its own lines in the format of the API's.
LOG_CONFIG = str(Path(__file__).parent.parent / "granian_logging.json")

# Environment variables, so that the caller's options and variables win. docs/decisions.md has the reasons.
DEFAULTS = {
    "GRANIAN_INTERFACE": "wsgi",
    "GRANIAN_HTTP": "1",
    "GRANIAN_WEBSOCKETS": "false",
    "GRANIAN_WORKERS": "2",
    # Per worker: the number of concurrent requests, and the number of open connections.
    "GRANIAN_BLOCKING_THREADS": "64",
    "GRANIAN_BACKPRESSURE": "1024",
    # Milliseconds until the head of a request is complete, and until a connection's next request begins.
    "GRANIAN_HTTP1_HEADER_READ_TIMEOUT": "10000",
    # The maximum size of a request's head. Each open connection may hold one in memory.
    "GRANIAN_HTTP1_BUFFER_SIZE": "65536",
    "GRANIAN_WORKERS_KILL_TIMEOUT": "25",
    # glibc reads this only when a process starts.
    "MALLOC_ARENA_MAX": "2",
}


class Command(BaseCommand):
    help = """\
Start the production server, granian, with the settings that DJANGO_SETTINGS_MODULE names.

Accepts granian's options (see `granian --help`). Options and environment variables override the
defaults below. The exit status is granian's, or 78 if the settings are for development or wrong, or
the database has unapplied migrations or clients of an issuer that the settings do not name."""
    # It runs them itself, for its own exit status.
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
        """Pass every option that Django does not know to granian."""
        options, granian_options = self.create_parser(argv[0], argv[1]).parse_known_args(argv[2:])
        try:
            self.execute(*granian_options, **vars(options))
        except CommandError as error:
            self.stderr.write(str(error))
            sys.exit(error.returncode)

    def handle(self, *granian_options: str, **_: Any) -> None:
        """Replace this process with granian. Raises CommandError if that cannot serve in production."""
        if settings.DEBUG:
            raise _refuse(
                "These settings are for development. "
                "Set DJANGO_SETTINGS_MODULE=timesheets_site.settings_production, or use runserver."
            )
        try:
            self.check()
        except SystemCheckError as error:
            raise _refuse(str(error)) from None
        self._check_database()
        command = [sys.executable, "-P", "-m", "granian", *granian_options, APPLICATION]
        # granian must find the same modules as this process, in any working directory.
        defaults = {**DEFAULTS, "GRANIAN_LOG_CONFIG": LOG_CONFIG}
        variables = {**defaults, **os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        if settings.TIMESHEETS_METRICS:
            variables["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="timesheets-metrics-")
        # exec keeps the process id, so a supervisor signals granian directly and gets its exit status.
        os.execve(sys.executable, command, variables)  # noqa: S606

    def _check_database(self) -> None:
        """Raise CommandError if this version or these settings do not fit the database.

        If it cannot be reached, only say so.
        """
        try:
            with use_new_connection():
                require_current_schema()
                _require_known_issuers()
        except DatabaseUnfit as error:
            raise _refuse(str(error)) from None
        except Error as error:
            [reason, *_] = str(error).splitlines() or [type(error).__name__]
            problem = f"The database {describe_database()} cannot be checked: {reason}"
            if not is_database_failure(error):
                raise _refuse(f"{problem}\nCheck DATABASE_URL, and what its user may read.") from None
            self.stderr.write(f"{problem}\nThe server starts, and answers 503 until it can connect.")


def _require_known_issuers() -> None:
    """Raise CommandError for clients whose entries would be stored again under another issuer."""
    issuer = conf.issuer().url
    others = count_clients_of_other_issuers({issuer, *settings.OAUTH["FORMER_ISSUERS"]})
    if others:
        listed = "\n".join(f"  {other}: {count} clients" for other, count in others)
        raise _refuse(
            f"The database has clients of issuers that are not configured:\n{listed}\n"
            "What these clients send again would be stored twice. Do one of the following:\n"
            f"- If it is the same tenant with another name: manage.py clients move {others[0][0]} {issuer}\n"
            "- If its entries stay and its tokens are refused: name it in OAUTH_FORMER_ISSUERS.\n"
            "- If it is the issuer to trust: name it in AUTH0_DOMAIN or OAUTH_ISSUER."
        )


def _refuse(message: str) -> CommandError:
    return CommandError(message, returncode=ExitStatus.CONFIGURATION)
