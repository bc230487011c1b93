"""How long until `manage.py upload_timesheet` begins its work? `python -m benchmarks.startup`

The command with an incomplete configuration, which it finds as soon as it runs, beside a bare start of
Django and requests under the same settings.
"""

import subprocess
import sys

from benchmarks.timing import print_table, time_in_turns
from tests.processes import REPOSITORY, make_environment

BARE = "import django, requests; django.setup()"


def main() -> None:
    environment = make_environment(
        DJANGO_SETTINGS_MODULE="timesheets_site.settings", AUTH0_DOMAIN="example.eu.auth0.com"
    )
    # Python keeps what it compiled, as it does for cron.
    del environment["PYTHONDONTWRITEBYTECODE"]

    def start(*arguments: str) -> None:
        subprocess.run(
            [sys.executable, *arguments], env=environment, cwd=REPOSITORY, capture_output=True, check=False
        )

    ways = {
        BARE: lambda: start("-c", BARE),
        "manage.py upload_timesheet": lambda: start("manage.py", "upload_timesheet"),
    }
    print_table(time_in_turns(ways, rounds=15, calls=1), rival=BARE, unit="ms")


if __name__ == "__main__":
    main()
