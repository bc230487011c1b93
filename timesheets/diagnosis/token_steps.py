"""Walk a token through the rules of the API, one by one, up to the first that it breaks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from timesheets.diagnosis.explanations import EXPLANATIONS
from timesheets.diagnosis.wording import describe_duration, describe_near_miss, describe_time, quote
from timesheets.trust.access_tokens import verify_access_token
from timesheets.trust.jwks import KeySource, KeysUnavailable
from timesheets.trust.token_rules import RULES, Fault, Profile, TokenPolicy, TokenRejected
from timesheets.trust.unverified_tokens import TokenMalformed, UnverifiedToken, read_unverified_token
from timesheets.trust.verified_tokens import TokenMemory

_HEADER_MEMBERS = frozenset({"alg", "typ", "kid", "crit", "b64", "zip", "enc", "cty"})
_TIMES = frozenset({"iat", "nbf", "exp"})
# What a text of so many parts is that is not a signed JWT.
_KINDS = {1: "an opaque token, not a JWT", 5: "an encrypted token, which the API cannot decrypt"}


@dataclass(frozen=True, kw_only=True)
class Step:
    """A rule, as a statement about the token. The explanation is empty if the token keeps the rule."""

    rule: str
    explanation: Sequence[tuple[str, str]] = ()
    fault: Fault | None = None
    # False if the issuer's keys are unavailable.
    is_known: bool = True


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is judged: a text, and the token in it if there is one. `now` is in seconds since the epoch."""

    text: str
    policy: TokenPolicy
    now: float
    token: UnverifiedToken | None = None


# From the scopes that a token grants to those that it must grant.
ChooseScopes = Callable[[frozenset[str]], frozenset[str]]


def walk_rules(case: Case, keys: KeySource, choose_scopes: ChooseScopes) -> Iterator[Step]:
    """The rules of verify_access_token in its order, then the scopes, up to the first broken rule."""
    rule = "it is a signed JWT"
    try:
        token = read_unverified_token(case.text)
        case = replace(case, token=token)
        yield Step(rule=rule)
        for rule, check in RULES.items():
            check(token, case.policy, case.now)
            yield Step(rule=rule)
        rule = "it is signed with one of the issuer's keys"
        verified = verify_access_token(case.text, case.policy, keys, case.now, TokenMemory())
        yield Step(rule=rule)
    except TokenMalformed as reason:
        yield Step(
            rule=rule, explanation=explain(Fault.MALFORMED, case, reason=reason), fault=Fault.MALFORMED
        )
    except TokenRejected as rejection:
        explanation = explain(rejection.fault, case, reason=rejection.reason)
        yield Step(rule=rule, explanation=explanation, fault=rejection.fault)
    except KeysUnavailable:
        yield Step(rule=rule, explanation=explain("keys", case), is_known=False)
    else:
        required = choose_scopes(verified.scopes)
        scope, client = " ".join(sorted(required)), quote(verified.client_id)
        lacks_one = not required <= verified.scopes
        explanation = explain("scope", case, scope=scope, client=client) if lacks_one else []
        yield Step(rule=f"it grants {scope}", explanation=explanation)


def explain(fault: str, case: Case, **facts: object) -> list[tuple[str, str]]:
    """Labels and texts: what the token holds, what the API expects, and what to do about it."""
    policy = case.policy
    shown, *texts = EXPLANATIONS[fault]
    is_strict = policy.profile is Profile.RFC_9068
    facts |= {
        "issuer": policy.issuer,
        "audience": quote(policy.audience),
        "algorithms": ", ".join(policy.algorithms),
        "leeway": describe_duration(policy.leeway_seconds),
        "types": "at+jwt: OAUTH_TOKEN_PROFILE is rfc9068" if is_strict else "JWT or at+jwt, or no typ",
        "claims": ",".join(policy.scope_claims),
    }
    expected, *remedies = (text.format(**facts) for text in texts)
    holds = _describe_members(shown.split(), case) if shown else _describe_text(case.text)
    return [("holds", holds), ("expected", expected), *(("to do", remedy) for remedy in remedies)]


def _describe_text(text: str) -> str:
    """The form of a text that is no token. It may be another secret, so none of it is shown."""
    parts = text.split(".")
    kind = _KINDS.get(len(parts), "a truncated, joined or modified token")
    if parts[0] == "v1":
        kind = "what looks like a refresh token from Auth0"
    wrapped = ", with white space inside: was it wrapped?" if any(map(str.isspace, text)) else ""
    lengths = ", ".join(str(len(part)) for part in parts[:6])
    return f"{kind}; parts: {len(parts)}, of {lengths} characters{wrapped}"


def _describe_members(names: Sequence[str], case: Case) -> str:
    header, claims = (case.token.header, case.token.claims) if case.token else ({}, {})
    values = {name: header.get(name) if name in _HEADER_MEMBERS else claims.get(name) for name in names}
    found = [f"{name} {_describe(name, value, case)}" for name, value in values.items() if value is not None]
    return ", ".join(found) or f"no {', '.join(names)}"


def _describe(name: str, value: object, case: Case) -> str:
    if name in _TIMES and isinstance(value, int | float) and 1 < value < 2**53:
        distance = describe_duration(value - case.now)
        return f"{describe_time(value)}, {f'in {distance}' if value > case.now else f'{distance} ago'}"
    expected: Mapping[str, str] = {"iss": case.policy.issuer, "aud": case.policy.audience}
    near_miss = describe_near_miss(value, expected[name]) if name in expected else ""
    return f"{quote(value)}: {near_miss}" if near_miss else quote(value)
