"""Explain what the API makes of an access token, rule by rule, and what to change if the API refuses it."""

import sys
import time
from collections.abc import Iterator
from typing import Any, TextIO, cast

from django.core.management.base import CommandError, CommandParser

from timesheets import conf
from timesheets.authentication import MAX_TOKEN_LENGTH, authenticate_bearer, get_issuer_keys
from timesheets.browser.pasted_tokens import unwrap_token
from timesheets.diagnosis.issuer_findings import FindingStatus, examine_issuer, judge_keys
from timesheets.diagnosis.issuer_probes import probe_keys
from timesheets.diagnosis.token_steps import Case, ChooseScopes, Step, explain, walk_rules
from timesheets.diagnosis.wording import describe_clock, describe_time, quote
from timesheets.exceptions import InsufficientScope, InvalidRequest, IssuerUnavailable, Problem
from timesheets.management.diagnosis import DiagnosticCommand, DiagnosticStatus, silenced_logs
from timesheets.permissions import CORRECTION_SCOPE, READ_SCOPE, UPLOAD_SCOPE
from timesheets.trust.token_rules import Fault
from timesheets.trust.verified_tokens import VerifiedToken

NOTHING_TO_READ = (
    "There is no access token on standard input. Pipe in a token or the issuer's whole response."
)
# Far more than a token may have, so that the API still sees that a token is too long.
MAX_INPUT_LENGTH = 64 * 1024
SCOPES = frozenset({UPLOAD_SCOPE, READ_SCOPE, CORRECTION_SCOPE})


class Command(DiagnosticCommand):
    help = """\
Read an access token from standard input and report what the API makes of it: each rule that it
passes, the first that it breaks, and what to change. The API's own code judges it. Never shows the
token; quotes its claims, cut if they are long. Needs no database."""
    stealth_options = ("stdin",)
    exit_statuses = {
        DiagnosticStatus.GOOD: "the API would accept the token",
        DiagnosticStatus.MISCONFIGURED: "manage.py check refuses the settings",
        DiagnosticStatus.USAGE: "wrong usage, or no token on standard input",
        DiagnosticStatus.REFUSED: "the API would refuse the token: 400, 401 or 403",
        DiagnosticStatus.TEMPORARY: "unknown, since the issuer's keys are unavailable: 503",
        DiagnosticStatus.CONFIGURATION: "a variable is missing or wrong",
        DiagnosticStatus.INTERRUPTED: "stopped by SIGINT",
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
            raise CommandError(NOTHING_TO_READ, returncode=DiagnosticStatus.USAGE)
        self._note(*notes)
        named = frozenset((options["scope"] or "").split())

        def choose_scopes(granted: frozenset[str]) -> frozenset[str]:
            return named or granted & SCOPES or frozenset({UPLOAD_SCOPE})

        with silenced_logs(options["verbosity"]):
            answer = ask_api(text, choose_scopes)
            for step in walk_steps(text, answer, choose_scopes):
                self._print_step(step)
        if isinstance(answer, VerifiedToken):
            lacking = [] if named else sorted(SCOPES - answer.scopes)
            self._note(*(f"it does not grant {scope}: what needs that gets 403" for scope in lacking))
            client = f"client {quote(answer.client_id)}, subject {quote(answer.subject)}"
            self.stdout.write(f"The API would accept it, as {client}.")
            self.stdout.write(f"It expires at {describe_time(answer.expires_at)}.")
            return
        status = f"{int(answer.status_code)} {answer.default_code}"
        self.stdout.write(f"The API would answer {status}: {answer.detail}")
        is_temporary = isinstance(answer, IssuerUnavailable)
        sys.exit(DiagnosticStatus.TEMPORARY if is_temporary else DiagnosticStatus.REFUSED)

    def _read(self, stdin: TextIO) -> str:
        if stdin.isatty():
            how = "paste it, press Enter, then press Ctrl-D (on Windows Ctrl-Z and Enter)."
            self.stderr.write(f"Waiting for an access token: {how}", style_func=str)
        try:
            return stdin.read(MAX_INPUT_LENGTH)
        except UnicodeDecodeError:
            raise CommandError(NOTHING_TO_READ, returncode=DiagnosticStatus.USAGE) from None
        except KeyboardInterrupt:
            sys.exit(DiagnosticStatus.INTERRUPTED)

    def _note(self, *notes: str) -> None:
        for note in notes:
            self.stdout.write(f"note     {note}")

    def _print_step(self, step: Step) -> None:
        if not step.explanation:
            self.stdout.write(f"ok       {step.rule}")
            return
        in_log = f" (in the API's log: reason={step.fault})" if step.fault else ""
        self.stdout.write(f"{'BROKEN' if step.is_known else 'UNKNOWN':<7}  {step.rule}{in_log}")
        for label, text in (*step.explanation, *find_facts(step)):
            self.stdout.write(f"         {label}: {text}")


def ask_api(text: str, choose_scopes: ChooseScopes) -> VerifiedToken | Problem:
    """What the API says of the token, as a request's authentication and permissions do."""
    try:
        _, token = cast("tuple[object, VerifiedToken]", authenticate_bearer(f"Bearer {text}"))
    except Problem as problem:
        return problem
    required = choose_scopes(token.scopes)
    return token if required <= token.scopes else InsufficientScope(required)


def walk_steps(text: str, answer: VerifiedToken | Problem, choose_scopes: ChooseScopes) -> Iterator[Step]:
    case = Case(text=text, policy=conf.token_policy(), now=time.time())
    rule = "it fits in the Authorization header"
    if isinstance(answer, InvalidRequest):
        yield Step(rule=rule, explanation=explain("credentials", case, max_length=MAX_TOKEN_LENGTH))
        return
    yield Step(rule=rule)
    yield from walk_rules(case, get_issuer_keys(conf.issuer(), case.policy.algorithms), choose_scopes)


def find_facts(step: Step) -> Iterator[tuple[str, str]]:
    """What the issuer itself adds to the explanation of a broken rule."""
    issuer, policy = conf.issuer(), conf.token_policy()
    if step.fault in (Fault.EXPIRED, Fault.NOT_YET_VALID):
        yield "clock", describe_clock(probe_keys(issuer).measure_clock())
    if step.fault is Fault.KEY:
        for finding in judge_keys(probe_keys(issuer), policy):
            yield "issuer", f"{finding.subject}: {finding.text}"
    if not step.is_known:
        for finding in examine_issuer(issuer, policy):
            if finding.status is FindingStatus.FAILED:
                yield "issuer", f"{finding.subject}: {finding.text}. {finding.remedy}"
