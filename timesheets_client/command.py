"""The command: the words of its help, and a run with what the process provides. Two programs share it."""

import os
import sys
import textwrap
import uuid
from collections.abc import Mapping
from typing import Any

from timesheets_client.arguments import read_options
from timesheets_client.context import Environment
from timesheets_client.environment.config import VARIABLES
from timesheets_client.errors import ExitStatus
from timesheets_client.network.retries import Clock
from timesheets_client.output.report import Report
from timesheets_client.output.streams import ProgressBar, ResilientStream
from timesheets_client.run import run_upload
from timesheets_client.signals import Signals, catch_signals

USAGE = "%(prog)s [options] [FILE ...]"
DESCRIPTION = """\
Upload the entries of each FILE to the Timesheets API. The command gets an
access token from the issuer with the OAuth 2.0 client credentials grant, and
caches it for the next run. Run it again until it exits with 0 or 65: an entry
that already exists is not stored twice."""

_EPILOG = """\
files: CSV with the columns user_id, date, project, hours and optionally
entry_id, revision, reason, JSON, NDJSON or an Excel workbook, each also as .gz.
Dates are 2026-04-03 or 2026-04-03T08:00:00+02:00. --map reads the exports of
other programs.

identity: two entries with the same entry_id are one entry. The command derives
an id for an entry without one, from its content and from the number of equal
entries before it in the file. A file can therefore be sent again, even in
another order. But a corrected row is a new entry, and equal rows in two files
are one entry: if you correct rows or split files, give each row its own
entry_id.

corrections: --correct, --withdraw and --replace need the scope
correct:timesheets, the last two also read:timesheets. All are safe to run
again, and with --check they show what they would do. An entry with 0 hours
withdraws the stored entry with its entry_id.

rejected entries go to FILE.rejected.ndjson, each with its errors. Fix them
there and upload that file. Entries that are still wrong are rejected again.

environment variables{source}:
{variables}

Proxies come from HTTPS_PROXY and NO_PROXY. REQUESTS_CA_BUNDLE names a PEM file
of certificate authorities that replace the public ones.

exit status; if several apply, the first of 1, 143, 130, 2, 78, 77, 75, 66, 65:
{statuses}
"""


def write_epilog(source: str) -> str:
    """The end of the help. `source` says where variables come from, besides the environment."""
    statuses = {status.value: status.meaning for status in sorted(ExitStatus)}
    return _EPILOG.format(source=source, variables=list_terms(VARIABLES), statuses=list_terms(statuses))


def list_terms(terms: Mapping[Any, str]) -> str:
    width = max(len(str(term)) for term in terms)
    indent = " " * (width + 4)
    return "\n".join(
        textwrap.fill(meaning, 80, initial_indent=f"  {term!s:<{width}}  ", subsequent_indent=indent)
        for term, meaning in terms.items()
    )


def run_command(
    options: Mapping[str, Any],
    *,
    variables: Mapping[str, str],
    development: Mapping[str, str],
    stdout: Any,
    stderr: Any,
) -> ExitStatus:
    """Run with the parsed arguments, `verbosity` and `traceback` among them. Never raises.

    `development` has the variables of the development issuer, if there is one. A stream is None if its
    descriptor is closed.
    """

    def upload() -> ExitStatus:
        with Signals() as signals:
            environment = Environment(
                variables=variables,
                development=development,
                # sys.stdin is None if the descriptor is closed.
                stdin=sys.stdin.buffer if sys.stdin else open(os.devnull, "rb"),  # noqa: PTH123, SIM115
                signals=signals,
                clock=Clock(sleep=signals.sleep),
                make_key=lambda: str(uuid.uuid4()),
            )
            return run_upload(read_options(options), environment, _make_report(options, stdout, stderr))

    # A signal can also arrive outside the upload, such as during the report.
    return catch_signals(upload)


def _make_report(options: Mapping[str, Any], stdout: Any, stderr: Any) -> Report:
    errors = ResilientStream(stderr)
    has_terminal = stderr is not None and stderr.isatty() and options["verbosity"] > 0
    return Report(
        write=ResilientStream(
            stdout, lambda reason: errors.write_line(f"standard output cannot be written: {reason}")
        ).write_line,
        warn=errors.write_line,
        verbosity=options["verbosity"],
        with_traceback=options["traceback"],
        is_json=options["json"],
        progress=ProgressBar(ResilientStream(sys.stderr) if has_terminal else None),
    )
