"""Check whether the API can verify the tokens of the configured issuer."""

import sys
from typing import Any

from timesheets import conf
from timesheets.diagnosis.issuers import FAILED, examine_issuer
from timesheets.management.command_line import ExitStatus, OperatorCommand, silenced_logs


class Command(OperatorCommand):
    help = """\
Fetch what the API needs of the issuer, under the API's own limits, and report on the metadata and
the name in them, the web client, each key, the cache lifetime and the clock. Sends no credentials."""
    exit_statuses = {
        ExitStatus.GOOD: "the API can verify this issuer's tokens",
        ExitStatus.MISCONFIGURED: "manage.py check refuses the settings",
        ExitStatus.TEMPORARY: "the issuer cannot be reached: try again later",
        ExitStatus.CONFIGURATION: "the API's settings or the issuer must be changed",
    }

    def handle(self, *args: Any, **options: Any) -> None:
        failed = []
        with silenced_logs(options["verbosity"]):
            for finding in examine_issuer(conf.issuer(), conf.token_policy(), conf.web_client()):
                self.stdout.write(f"{finding.status:<7}  {finding.subject}: {finding.text}")
                if finding.remedy:
                    self.stdout.write(f"{'':<7}  {finding.remedy}")
                if finding.status == FAILED:
                    failed.append(finding)
        if not failed:
            self.stdout.write("The API can verify this issuer's tokens.")
            return
        self.stdout.write("The API cannot verify this issuer's tokens.")
        is_temporary = all(finding.is_temporary for finding in failed)
        sys.exit(ExitStatus.TEMPORARY if is_temporary else ExitStatus.CONFIGURATION)
