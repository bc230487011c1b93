"""The program `upload-timesheets`: its arguments and its variables."""

import io
import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Mapping

from dotenv import dotenv_values

from timesheets_client import __version__
from timesheets_client.arguments import add_arguments
from timesheets_client.command import DESCRIPTION, USAGE, run_command, write_epilog
from timesheets_client.environment.variables import read_text_file
from timesheets_client.errors import ConfigurationError
from timesheets_files.printable import escape

PROGRAM = "upload-timesheets"
SECRET = "AUTH0_CLIENT_SECRET"  # noqa: S105  The name of a variable.


def build_parser() -> ArgumentParser:
    """The options of `manage.py upload_timesheet`, and those that Django adds there."""
    parser = ArgumentParser(
        prog=PROGRAM,
        usage=USAGE,
        description=DESCRIPTION,
        epilog=write_epilog(", also read from the file of --env-file"),
        formatter_class=RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--version", action="version", version=f"{PROGRAM} {__version__}")
    add(
        "--env-file",
        metavar="FILE",
        help="read variables from FILE; those of the environment take precedence",
    )
    add(
        "-v",
        "--verbosity",
        type=int,
        choices=range(4),
        default=1,
        help="0 is silent when all is well, 2 and 3 say more; 1 is the default",
    )
    add("--traceback", action="store_true", help="show where a bug is")
    add_arguments(parser)
    return parser


def upload() -> None:
    """Upload, and exit with the status of the run."""
    options = vars(build_parser().parse_args())
    env_file = options.pop("env_file")
    try:
        variables = os.environ if env_file is None else {**read_env_file(env_file), **os.environ}
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_status)
    sys.exit(run_command(options, variables=variables, development={}, stdout=sys.stdout, stderr=sys.stderr))


def read_env_file(path: str) -> Mapping[str, str]:
    """The variables of the file. Raises ConfigurationError, also if others can read its secret."""
    shown = escape(path)
    try:
        text, is_private = read_text_file(path)
    except ConfigurationError as error:
        raise ConfigurationError(f"--env-file: {shown} {error}") from None
    variables = dotenv_values(stream=io.StringIO(text), interpolate=False)
    if variables.get(SECRET) and not is_private:
        raise ConfigurationError(
            f"--env-file: {shown} contains {SECRET}, and other users can read it: chmod 600 {shown}"
        )
    return {name: value for name, value in variables.items() if value}
