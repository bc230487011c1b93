"""Upload timesheet entries to the Timesheets API, as the machine that cron runs."""

import os
import sys
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from timesheets.management.help import HelpFormatter
from timesheets_client.arguments import add_arguments, read_options
from timesheets_client.context import Environment
from timesheets_client.environment.config import VARIABLES
from timesheets_client.errors import MEANINGS, ExitStatus
from timesheets_client.network.retries import Clock
from timesheets_client.output.progress import Progress, ProgressBar
from timesheets_client.output.report import Report
from timesheets_client.output.streams import ResilientStream
from timesheets_client.printable import escape
from timesheets_client.run import run_upload
from timesheets_client.signals import Signals, catch_signals


def list_terms(terms: Mapping[Any, str]) -> str:
    width = max(len(str(term)) for term in terms)
    return "\n".join(f"  {term!s:<{width}}  {meaning}" for term, meaning in terms.items())


DESCRIPTION = """\
Upload timesheet entries to the Timesheets API: the files that are named, or the tutorial's one
entry if none is. An access token is got from the issuer with the OAuth 2.0 client credentials
grant, and kept for the next run. Run it again until it exits with 0 or 65: an entry that is there
already is not doubled."""

EPILOG = f"""\
files: CSV with the columns user_id, date, project, hours (separated by comma, semicolon or tab), JSON,
NDJSON or an Excel workbook, each also as .gz. Dates are 2026-04-03 or 2026-04-03T08:00:00+02:00.

what is the same entry: two entries are one if they have the same entry_id. An entry without one gets
an id that is derived from its content, and from how many equal entries stand before it in the file. So
a file can be sent again, also sorted in another way. But a corrected row is a new entry, and equal rows
of two files are one: whoever corrects rows or splits files gives each row an entry_id of its own.

rejected entries: they go to FILE.rejected.ndjson, each with what is wrong with it. Mend them there and
upload that file; what is still wrong is rejected again.

environment variables, each also in .env beside manage.py; without any, the development issuer's serve:
{list_terms(VARIABLES)}

proxies come from HTTPS_PROXY and NO_PROXY. REQUESTS_CA_BUNDLE names a PEM file with the authorities to
trust in place of the public ones, for a proxy that inspects TLS or a private authority.

exit status; of several, the first of 1, 143, 130, 2, 78, 77, 75, 66, 65:
{list_terms({status.value: meaning for status, meaning in MEANINGS.items()})}
"""


class Command(BaseCommand):
    help = DESCRIPTION
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(
            prog_name, subcommand, formatter_class=HelpFormatter, epilog=EPILOG, **kwargs
        )
        # A shell's *.csv may match a name that looks like an option.
        parser.error = lambda message: type(parser).error(parser, escape(message))  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        # A signal can come outside the upload too, such as while its end is reported.
        status = catch_signals(partial(self._upload, options))
        if status:
            sys.exit(status)

    def _upload(self, options: Mapping[str, Any]) -> ExitStatus:
        with Signals() as signals:
            environment = Environment(
                variables=os.environ,
                development=getattr(settings, "UPLOADER_DEVELOPMENT_VARIABLES", {}),
                # None where the descriptor is closed.
                stdin=sys.stdin.buffer if sys.stdin else open(os.devnull, "rb"),  # noqa: PTH123, SIM115
                signals=signals,
                clock=Clock(sleep=signals.sleep),
                make_key=lambda: str(uuid.uuid4()),
            )
            return run_upload(read_options(options), environment, self._make_report(options))

    def _make_report(self, options: Mapping[str, Any]) -> Report:
        errors = wrap_stream(self.stderr)
        output = wrap_stream(
            self.stdout, lambda why: errors.write_line(f"standard output cannot be written: {why}")
        )
        has_terminal = self.stderr.isatty() and options["verbosity"] > 0
        return Report(
            write=output.write_line,
            warn=errors.write_line,
            verbosity=options["verbosity"],
            with_traceback=options["traceback"],
            is_json=options["json"],
            progress=ProgressBar(wrap_stream(sys.stderr)) if has_terminal else Progress(),
        )


def wrap_stream(stream: Any, tell: Callable[[str], object] = lambda _: None) -> ResilientStream:
    # Where the descriptor is closed, Django wraps None.
    return ResilientStream(stream if hasattr(stream, "encoding") else None, tell)
