"""Explain what the API makes of an access token, rule by rule, and what to change if the API refuses it."""

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, TextIO, cast

from django.core.management.base import CommandError, CommandParser
from django.http import HttpRequest

from timesheets import conf
from timesheets.authentication import MAX_TOKEN_LENGTH, get_issuer_keys
from timesheets.browser.pasted_tokens import unwrap_token
from timesheets.diagnosis.issuer_findings import FindingStatus, examine_issuer, judge_keys
from timesheets.diagnosis.issuer_probes import probe_keys
from timesheets.diagnosis.token_steps import Step, explain_credentials, walk_rules
from timesheets.diagnosis.wording import describe_clock, describe_time, quote
from timesheets.exceptions import InvalidRequest, IssuerUnavailable, Problem
from timesheets.management.diagnosis import DiagnosticCommand, DiagnosticStatus, silenced_logs
from timesheets.permissions import CORRECTION_SCOPE, READ_SCOPE, UPLOAD_SCOPE
from timesheets.trust.token_rules import Fault
from timesheets.trust.verified_tokens import VerifiedToken
from timesheets.views.uploads import UploadView

NOTHING_TO_READ = (
    "There is no access token on standard input. Pipe in a token or the issuer's whole response."
)
# Far more than a token may have, so that the API still sees that a token is too long.
MAX_INPUT_LENGTH = 64 * 1024
SCOPES = frozenset({UPLOAD_SCOPE, READ_SCOPE, CORRECTION_SCOPE})

# From the scopes that a token grants to those that it must grant.
ChooseScopes = Callable[[frozenset[str]], frozenset[str]]


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
        named = frozenset((options["scope"] or "").split())

        def choose_scopes(granted: frozenset[str]) -> frozenset[str]:
            return named or granted & SCOPES or frozenset({UPLOAD_SCOPE})

        unverified_token, notes = unwrap_token(self._read(options.get("stdin") or sys.stdin))
        if not unverified_token:
            raise CommandError(NOTHING_TO_READ, returncode=DiagnosticStatus.USAGE)
        for note in notes:
            self.stdout.write(f"note     {note}")
        with silenced_logs(options["verbosity"]):
            answer = ask_api(unverified_token, choose_scopes)
            for step in walk_steps(unverified_token, answer, choose_scopes):
                self._print_step(step)
        if isinstance(answer, VerifiedToken):
            for scope in sorted(SCOPES - answer.scopes) if not named else ():
                self.stdout.write(f"note     it does not grant {scope}: what needs that gets 403")
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

    def _print_step(self, step: Step) -> None:
        if not step.explanation:
            self.stdout.write(f"ok       {step.rule}")
            return
        in_log = f" (in the API's log: reason={step.fault})" if step.fault else ""
        self.stdout.write(f"{'BROKEN' if step.is_known else 'UNKNOWN':<7}  {step.rule}{in_log}")
        holds, expected, *remedies = step.explanation
        for label, text in (holds, expected, *find_facts(step), *remedies):
            self.stdout.write(f"         {label}: {text}")


def ask_api(unverified_token: str, choose_scopes: ChooseScopes) -> VerifiedToken | Problem:
    """The result of the API's own authentication and permissions."""
    request = HttpRequest()
    request.META["HTTP_AUTHORIZATION"] = f"Bearer {unverified_token}"
    view = UploadView()
    api_request = view.initialize_request(request)
    try:
        view.perform_authentication(api_request)
        token = cast("VerifiedToken", api_request.auth)
        view.required_scopes = choose_scopes(token.scopes)
        view.check_permissions(api_request)
    except Problem as problem:
        return problem
    return token


def walk_steps(
    unverified_token: str, answer: VerifiedToken | Problem, choose_scopes: ChooseScopes
) -> Iterator[Step]:
    rule = "it fits in the Authorization header"
    if isinstance(answer, InvalidRequest):
        yield Step(rule=rule, explanation=[*explain_credentials(unverified_token, MAX_TOKEN_LENGTH)])
        return
    yield Step(rule=rule)
    policy = conf.token_policy()
    keys = get_issuer_keys(conf.issuer(), policy.algorithms)
    yield from walk_rules(unverified_token, policy, keys, choose_scopes, time.time())


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
