"""Walk a token through the rules of the API, one by one, as far as the first that it breaks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from timesheets.diagnosis.explanations import Case, Explanation
from timesheets.diagnosis.token_explanations import (
    EXPLAINERS,
    explain_malformed,
    explain_scopes,
    explain_unavailable,
)
from timesheets.trust.access_tokens import verify_access_token, verify_signature
from timesheets.trust.jwks import KeySource, KeysUnavailable
from timesheets.trust.token_rules import RULES, Fault, TokenPolicy, TokenRejected
from timesheets.trust.unverified_tokens import TokenMalformed, read_unverified_token


@dataclass(frozen=True, kw_only=True)
class Step:
    """A rule, as a statement about the token, and what came of it: no explanation where it holds."""

    rule: str
    explanation: Explanation | None = None
    # Why the token cannot be trusted.
    fault: Fault | None = None
    # False where nobody can tell, for want of the issuer's keys.
    is_known: bool = True


def walk_rules(
    text: str, policy: TokenPolicy, keys: KeySource, required: frozenset[str], now: float
) -> Iterator[Step]:
    """The rules of verify_access_token in its order, then the scopes, to the first that is broken."""
    rule = "it is a signed JWT"
    try:
        token = read_unverified_token(text)
    except TokenMalformed as reason:
        yield Step(rule=rule, explanation=explain_malformed(text, str(reason)), fault=Fault.MALFORMED)
        return
    yield Step(rule=rule)
    case = Case(token=token, policy=policy, now=now)
    checks: dict[str, Callable[[], None]] = {
        **{name: partial(check, token, policy, now) for name, check in RULES.items()},
        "it is signed with a key of the issuer": partial(verify_signature, text, token, policy, keys),
    }
    for name, check in checks.items():
        step = _take_step(name, check, case)
        yield step
        if step.explanation:
            return
    verified = verify_access_token(text, policy, keys, now)
    explanation = None if required <= verified.scopes else explain_scopes(case, verified, required)
    yield Step(rule=f"it grants {' '.join(sorted(required))}", explanation=explanation)


def _take_step(rule: str, check: Callable[[], None], case: Case) -> Step:
    try:
        check()
    except TokenRejected as rejection:
        explanation = EXPLAINERS[rejection.fault](replace(case, reason=rejection.reason))
        return Step(rule=rule, explanation=explanation, fault=rejection.fault)
    except KeysUnavailable:
        return Step(rule=rule, explanation=explain_unavailable(case), is_known=False)
    return Step(rule=rule)
