"""Explain what the API makes of an access token, rule by rule, and what to change if the API refuses it."""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TextIO, cast

from django.core.management.base import CommandError, CommandParser

from timesheets import conf
from timesheets.authentication import MAX_TOKEN_LENGTH, authenticate_bearer
from timesheets.browser.pasted_tokens import unwrap_token
from timesheets.diagnosis.explanations import STEPS
from timesheets.diagnosis.issuer_findings import examine_issuer
from timesheets.diagnosis.issuer_probes import FAILED, Finding
from timesheets.diagnosis.refused_tokens import explain
from timesheets.diagnosis.wording import describe_time, quote
from timesheets.exceptions import InsufficientScope, IssuerUnavailable, Problem
from timesheets.management.command_line import ExitStatus, OperatorCommand, silenced_logs
from timesheets.permissions import READ_ALL_SCOPE, READ_SCOPE, SCOPES, UPLOAD_SCOPE, may_read
from timesheets.trust.token_rules import Fault, TokenRejected
from timesheets.trust.verified_tokens import VerifiedToken

NOTHING_TO_READ = (
    "There is no access token on standard input. Pipe in a token or the issuer's whole response."
)
# Far more than a token may have, so that the API still sees that a token is too long.
MAX_INPUT_LENGTH = 64 * 1024
# By fault, which findings about the issuer belong to its explanation.
FINDINGS_OF_INTEREST: Mapping[str, Callable[[Finding], bool]] = {
    Fault.EXPIRED: lambda finding: finding.subject == "clock",
    Fault.NOT_YET_VALID: lambda finding: finding.subject == "clock",
    Fault.KEY: lambda finding: finding.subject.startswith(("key", "cache")),
    IssuerUnavailable.default_code: lambda finding: finding.status == FAILED,
}


class Command(OperatorCommand):
    help = """\
Read an access token from standard input and report what the API makes of it: each rule that it
passes, the first that it breaks, and what to change. The API's own code judges it. Never shows the
token; quotes its claims, cut if they are long. Needs no database."""
    stealth_options = ("stdin",)
    exit_statuses = {
        ExitStatus.GOOD: "the API would accept the token",
        ExitStatus.MISCONFIGURED: "manage.py check refuses the settings",
        ExitStatus.USAGE: "wrong usage, or no token on standard input",
        ExitStatus.REFUSED: "the API would refuse the token: 400, 401 or 403",
        ExitStatus.TEMPORARY: "unknown, since the issuer's keys are unavailable: 503",
        ExitStatus.CONFIGURATION: "a variable is missing or wrong",
        ExitStatus.INTERRUPTED: "stopped by SIGINT",
    }

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--scope",
            help="the scopes that the token must grant, separated by spaces, such as 'batch:upload'; "
            "otherwise one scope of the API is enough, and those that it lacks are named",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        text, notes = unwrap_token(self._read(options.get("stdin") or sys.stdin))
        if not text:
            raise CommandError(NOTHING_TO_READ, returncode=ExitStatus.USAGE)
        self._print("note", *notes)
        named = frozenset((options["scope"] or "").split())
        with silenced_logs(options["verbosity"]):
            try:
                _, token = cast("tuple[object, VerifiedToken]", authenticate_bearer(f"Bearer {text}"))
            except Problem as problem:
                self._explain(problem, text)
        required = named or token.scopes & set(SCOPES) or frozenset({UPLOAD_SCOPE})
        scope = " ".join(sorted(required))
        if not required <= token.scopes:
            self._explain(InsufficientScope(required), text, scope=scope, client=quote(token.client_id))
        self._print("ok", *(rule.text.format(scope=scope) for rule in STEPS))
        # Few tokens should read every client's rows, and one that does needs no other scope to read.
        unneeded = {READ_ALL_SCOPE, *({READ_SCOPE} if may_read(token) else ())}
        lacking = [] if named else sorted(set(SCOPES) - token.scopes - unneeded)
        self._print("note", *(f"it does not grant {each}: what needs that gets 403" for each in lacking))
        client = f"client {quote(token.client_id)}, subject {quote(token.subject)}"
        self.stdout.write(f"The API would accept it, as {client}.")
        self.stdout.write(f"It expires at {describe_time(token.expires_at)}.")

    def _read(self, stdin: TextIO) -> str:
        if stdin.isatty():
            how = "paste it, press Enter, then press Ctrl-D (on Windows Ctrl-Z and Enter)."
            self.stderr.write(f"Waiting for an access token: {how}", style_func=str)
        try:
            return stdin.read(MAX_INPUT_LENGTH)
        except UnicodeDecodeError:
            raise CommandError(NOTHING_TO_READ, returncode=ExitStatus.USAGE) from None
        except KeyboardInterrupt:
            sys.exit(ExitStatus.INTERRUPTED)

    def _print(self, label: str, *texts: str) -> None:
        for text in texts:
            self.stdout.write(f"{label:<7}  {text}")

    def _explain(self, problem: Problem, text: str, **facts: str) -> NoReturn:
        """Print the rules that the token passes, the one that it breaks, and what the API would answer."""
        rejection = problem.__cause__ if isinstance(problem.__cause__, TokenRejected) else None
        fault = rejection.fault if rejection else problem.default_code
        is_temporary = isinstance(problem, IssuerUnavailable)
        broken = next(rule for rule in STEPS if fault in rule.faults)
        self._print("ok", *(rule.text for rule in STEPS[: STEPS.index(broken)]))
        in_log = f" (in the API's log: reason={fault})" if rejection else ""
        self._print("UNKNOWN" if is_temporary else "BROKEN", f"{broken.text.format(**facts)}{in_log}")
        facts |= {"reason": rejection.reason if rejection else "", "max_length": str(MAX_TOKEN_LENGTH)}
        for label, explained in explain(broken, fault, text, conf.token_policy(), time.time(), **facts):
            self._print("", f"{label}: {explained}")
        if is_of_interest := FINDINGS_OF_INTEREST.get(fault):
            for finding in filter(is_of_interest, examine_issuer(conf.issuer(), conf.token_policy())):
                advice = f". {finding.remedy}" if finding.remedy else ""
                self._print("", f"{finding.subject}: {finding.text}{advice}")
        status = f"{int(problem.status_code)} {problem.default_code}"
        self.stdout.write(f"The API would answer {status}: {problem.detail}")
        sys.exit(ExitStatus.TEMPORARY if is_temporary else ExitStatus.REFUSED)
