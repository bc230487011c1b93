"""Explain a refused token: what it holds, what the API expects, and what to do. Knows no web framework."""

from collections.abc import Iterator, Mapping, Sequence

from timesheets.diagnosis.explanations import EXPLANATIONS, Rule
from timesheets.diagnosis.wording import describe_duration, describe_near_miss, describe_time, quote
from timesheets.trust.token_rules import Profile, TokenPolicy
from timesheets.trust.unverified_tokens import read_unverified_token

_HEADER_MEMBERS = frozenset({"alg", "typ", "kid", "crit", "b64", "zip", "enc", "cty"})
_TIMES = frozenset({"iat", "nbf", "exp"})
# What a text of so many parts is that is not a signed JWT.
_KINDS = {1: "an opaque token, not a JWT", 5: "an encrypted token, which the API cannot decrypt"}


def explain(
    rule: Rule, fault: str, text: str, policy: TokenPolicy, now: float, **facts: str
) -> Iterator[tuple[str, str]]:
    """Labels and texts. `now` is in seconds since the epoch."""
    members = rule.members.split()
    yield "holds", _describe_members(members, text, policy, now) if members else _describe_text(text)
    is_strict = policy.profile is Profile.RFC_9068
    facts |= {
        "issuer": policy.issuer,
        "audience": quote(policy.audience),
        "algorithms": ", ".join(policy.algorithms),
        "leeway": describe_duration(policy.leeway_seconds),
        "types": "at+jwt: OAUTH_TOKEN_PROFILE is rfc9068" if is_strict else "JWT or at+jwt, or no typ",
        "claims": ",".join(policy.scope_claims),
    }
    expected, *remedies = (template.format(**facts) for template in EXPLANATIONS[fault])
    yield "expected", expected
    for remedy in remedies:
        yield "to do", remedy


def _describe_text(text: str) -> str:
    """The form of a text that is no token. It may be another secret, so none of it is shown."""
    parts = text.split(".")
    kind = _KINDS.get(len(parts), "a truncated, joined or modified token")
    if parts[0] == "v1":
        kind = "what looks like a refresh token from Auth0"
    wrapped = ", with white space inside: was it wrapped?" if any(map(str.isspace, text)) else ""
    lengths = ", ".join(str(len(part)) for part in parts[:6])
    return f"{kind}; parts: {len(parts)}, of {lengths} characters{wrapped}"


def _describe_members(names: Sequence[str], text: str, policy: TokenPolicy, now: float) -> str:
    token = read_unverified_token(text)
    values = {name: (token.header if name in _HEADER_MEMBERS else token.claims).get(name) for name in names}
    found = [
        f"{name} {_describe(name, value, policy, now)}" for name, value in values.items() if value is not None
    ]
    return ", ".join(found) or f"no {', '.join(names)}"


def _describe(name: str, value: object, policy: TokenPolicy, now: float) -> str:
    if name in _TIMES and isinstance(value, int | float) and 1 < value < 2**53:
        distance = describe_duration(value - now)
        return f"{describe_time(value)}, {f'in {distance}' if value > now else f'{distance} ago'}"
    expected: Mapping[str, str] = {"iss": policy.issuer, "aud": policy.audience}
    near_miss = describe_near_miss(value, expected[name]) if name in expected else ""
    return f"{quote(value)}: {near_miss}" if near_miss else quote(value)
