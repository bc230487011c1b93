"""Check whether the API can verify the tokens of the issuer that is configured."""

import sys
from typing import Any

from timesheets import conf
from timesheets.diagnosis.issuer_answers import Finding, Verdict
from timesheets.diagnosis.issuer_findings import examine_issuer
from timesheets.management.diagnosis import DiagnosticCommand, DiagnosticStatus, silenced_logs

DESCRIPTION = """\
Fetch what the API needs of the issuer, under the same limits, and say what it makes of it: the
metadata and the name in them, each key, the clock, the cache. Sends no credentials."""


class Command(DiagnosticCommand):
    help = DESCRIPTION
    exit_statuses = {
        DiagnosticStatus.GOOD: "the API can verify this issuer's tokens",
        DiagnosticStatus.MISCONFIGURED: "manage.py check refuses the settings",
        DiagnosticStatus.USAGE: "wrong usage",
        DiagnosticStatus.TEMPORARY: "the issuer cannot be reached: try again later",
        DiagnosticStatus.CONFIGURATION: "something must be changed here or at the issuer",
    }

    def handle(self, *args: Any, **options: Any) -> None:
        findings = []
        with silenced_logs(options["verbosity"]):
            for finding in examine_issuer(conf.issuer(), conf.token_policy()):
                findings.append(finding)
                self._tell(finding)
        failed = [finding for finding in findings if finding.verdict is Verdict.FAILED]
        if not failed:
            self.stdout.write("The API can verify this issuer's tokens.")
            return
        self.stdout.write("The API cannot verify this issuer's tokens.")
        is_temporary = all(finding.is_temporary for finding in failed)
        sys.exit(DiagnosticStatus.TEMPORARY if is_temporary else DiagnosticStatus.CONFIGURATION)

    def _tell(self, finding: Finding) -> None:
        self.stdout.write(f"{finding.verdict:<7}  {finding.subject}: {finding.text}")
        if finding.remedy:
            self.stdout.write(f"{'':<7}  {finding.remedy}")
