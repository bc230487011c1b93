#!/usr/bin/env python
"""Run a management command with the variables of the `.env` in this folder."""

import os
import stat
import sys
from pathlib import Path

EX_CONFIG = 78
DEFAULT_SETTINGS = "timesheets_site.settings"
# These need no variables and contain no development issuer.
CLIENT_SETTINGS = "timesheets_site.settings_base"
SECRETS = ("AUTH0_CLIENT_SECRET", "DATABASE_URL", "DJANGO_SECRET_KEY")


def read_env_file(path: Path) -> None:
    """Add the variables of `path` to the environment, where variables that are already set take precedence.

    Exits with 78 if the file contains a secret and other users of the machine can read it.
    """
    from dotenv import dotenv_values

    variables = {name: value for name, value in dotenv_values(path, interpolate=False).items() if value}
    exposed = [name for name in SECRETS if name in variables]
    if exposed and os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        sys.stderr.write(
            f"{path}: contains {', '.join(exposed)}, and other users can read it: chmod 600 {path}\n"
        )
        sys.exit(EX_CONFIG)
    for name, value in variables.items():
        os.environ.setdefault(name, value)


def choose_settings(command: list[str]) -> str:
    """The settings module. The client needs none of the API's variables, even under the API's settings."""
    chosen = os.environ.get("DJANGO_SETTINGS_MODULE") or DEFAULT_SETTINGS
    is_client = command == ["upload_timesheet"]
    return CLIENT_SETTINGS if is_client and chosen != DEFAULT_SETTINGS else chosen


def main() -> None:
    read_env_file(Path(__file__).parent / ".env")
    os.environ["DJANGO_SETTINGS_MODULE"] = choose_settings(sys.argv[1:2])
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(EX_CONFIG)


if __name__ == "__main__":
    main()
