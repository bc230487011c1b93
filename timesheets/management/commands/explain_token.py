"""Explain what the API makes of an access token, rule by rule, and what to change if the API refuses it."""

import sys
import time
from typing import Any, NoReturn, cast

from django.core.management.base import CommandError, CommandParser

from timesheets import conf
from timesheets.authentication import authenticate_bearer
from timesheets.diagnosis.issuers import examine_issuer
from timesheets.diagnosis.tokens import RULES, explain
from timesheets.diagnosis.wording import describe_time, quote
from timesheets.exceptions import InsufficientScope, IssuerUnavailable, Problem
from timesheets.management.command_line import ExitStatus, OperatorCommand, silenced_logs
from timesheets.permissions import SCOPES, UPLOAD_SCOPE
from timesheets.trust.principals import VerifiedToken
from timesheets.trust.token_rules import Fault, TokenRejected
from timesheets.trust.unverified_tokens import unwrap_token

# Far more than a token may have, so that the API still sees that a token is too long.
MAX_INPUT_LENGTH = 64 * 1024
# By fault, which findings about the issuer belong to its explanation: the beginnings of their subjects.
FINDINGS_OF_INTEREST = {
    Fault.EXPIRED: ("clock",),
    Fault.NOT_YET_VALID: ("clock",),
    Fault.KEY: ("key", "cache"),
    IssuerUnavailable.default_code: ("",),
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
            "otherwise one scope of the API is enough",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            text = unwrap_token((options.get("stdin") or sys.stdin).read(MAX_INPUT_LENGTH))
        except KeyboardInterrupt:
            sys.exit(ExitStatus.INTERRUPTED)
        if not text:
            raise CommandError(
                "There is no access token on standard input. Pipe in a token or the issuer's whole response.",
                returncode=ExitStatus.USAGE,
            )
        with silenced_logs(options["verbosity"]):
            try:
                _, token = cast("tuple[object, VerifiedToken]", authenticate_bearer(f"Bearer {text}"))
            except Problem as problem:
                self._explain(problem, text)
        named = frozenset((options["scope"] or "").split())
        required = named or token.scopes & set(SCOPES) or frozenset({UPLOAD_SCOPE})
        scope, client = " ".join(sorted(required)), token.client
        if not required <= token.scopes:
            self._explain(InsufficientScope(required), text, scope=scope, client=quote(client.client_id))
        self._print("ok", *(rule.text.format(scope=scope) for rule in RULES))
        names = f"client {quote(client.client_id)}, subject {quote(client.subject)}"
        self.stdout.write(f"The API would accept it, as {names}.")
        self.stdout.write(f"It expires at {describe_time(token.expires_at)}.")

    def _print(self, label: str, *texts: str) -> None:
        for text in texts:
            self.stdout.write(f"{label:<7}  {text}")

    def _explain(self, problem: Problem, text: str, **facts: str) -> NoReturn:
        """Print the rules that the token passes, the one that it breaks, and what the API would answer."""
        rejection = problem.__cause__ if isinstance(problem.__cause__, TokenRejected) else None
        fault = rejection.fault if rejection else problem.default_code
        is_temporary = isinstance(problem, IssuerUnavailable)
        broken = next(rule for rule in RULES if fault in rule.faults)
        self._print("ok", *(rule.text for rule in RULES[: RULES.index(broken)]))
        in_log = f" (in the API's log: reason={fault})" if rejection else ""
        self._print("UNKNOWN" if is_temporary else "BROKEN", f"{broken.text.format(**facts)}{in_log}")
        facts["reason"] = rejection.reason if rejection else ""
        for label, explained in explain(broken, fault, text, conf.token_policy(), time.time(), **facts):
            self._print("", f"{label}: {explained}")
        if subjects := FINDINGS_OF_INTEREST.get(fault):
            for finding in examine_issuer(conf.issuer(), conf.token_policy()):
                if finding.subject.startswith(subjects):
                    self._print("", f"{finding.subject}: {finding.text} {finding.remedy}".rstrip())
        status = f"{int(problem.status_code)} {problem.default_code}"
        self.stdout.write(f"The API would answer {status}: {problem.detail}")
        sys.exit(ExitStatus.TEMPORARY if is_temporary else ExitStatus.REFUSED)
