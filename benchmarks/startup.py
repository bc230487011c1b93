"""How long does `manage.py upload_timesheet` take to start? `python -m benchmarks.startup`

Runs the command with an incomplete configuration, which it reports first. The rival is a bare start of Django
and requests with the same settings.
"""

import subprocess
import sys

from benchmarks.timing import print_table, time_in_turns
from tests.kit.processes import REPOSITORY, make_environment

BARE = "import django, requests; django.setup()"


def main() -> None:
    environment = make_environment(
        DJANGO_SETTINGS_MODULE="timesheets_site.settings", AUTH0_DOMAIN="example.eu.auth0.com"
    )
    # Let Python cache bytecode, as it does for a cron job.
    del environment["PYTHONDONTWRITEBYTECODE"]

    def start(*arguments: str) -> None:
        command = [sys.executable, *arguments]
        subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, check=False)

    ways = {
        BARE: lambda: start("-c", BARE),
        "manage.py upload_timesheet": lambda: start("manage.py", "upload_timesheet"),
    }
    print_table(time_in_turns(ways, rounds=15, calls=1), rival=BARE, unit="ms")


if __name__ == "__main__":
    main()
