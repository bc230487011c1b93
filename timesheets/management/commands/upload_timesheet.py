"""Upload a timesheet entry to the Timesheets API, as the machine that cron runs."""

import os
import signal
import sys
import uuid
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, Never

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter

from timesheets.uploader.config import VARIABLES
from timesheets.uploader.errors import MEANINGS, Terminated
from timesheets.uploader.exchange import Timeouts
from timesheets.uploader.report import Report
from timesheets.uploader.run import run_upload


class HelpFormatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Keeps the lines of the description and of the epilog."""


def list_terms(terms: Mapping[Any, str]) -> str:
    width = max(len(str(term)) for term in terms)
    return "\n".join(f"  {term!s:<{width}}  {meaning}" for term, meaning in terms.items())


DESCRIPTION = """\
Upload the tutorial's timesheet entry to the Timesheets API. An access token is got from the
issuer with the OAuth 2.0 client credentials grant; the API's answer is printed."""

EPILOG = f"""\
environment variables, each also in .env beside manage.py; without any, the development issuer's serve:
{list_terms(VARIABLES)}

exit status:
{list_terms({status.value: meaning for status, meaning in MEANINGS.items()})}
"""


@contextmanager
def sigterm_raising_terminated() -> Iterator[None]:
    def terminate(signum: int, frame: FrameType | None) -> Never:  # noqa: ARG001
        raise Terminated

    previous = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


class Command(BaseCommand):
    help = DESCRIPTION
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name, subcommand, formatter_class=HelpFormatter, epilog=EPILOG, **kwargs
        )

    def handle(self, *args: Any, **options: Any) -> None:
        report = Report(
            write=self.stdout.write,
            warn=self.stderr.write,
            verbosity=options["verbosity"],
            with_traceback=options["traceback"],
        )
        with sigterm_raising_terminated():
            status = run_upload(
                os.environ,
                getattr(settings, "UPLOADER_DEVELOPMENT_VARIABLES", {}),
                report=report,
                make_key=lambda: str(uuid.uuid4()),
                timeouts=Timeouts(),
            )
        if status:
            sys.exit(status)
