"""Explain a refused token: what it holds, what the API expects, and what to do. Knows no web framework."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from timesheets.diagnosis.wording import describe_duration, describe_time, quote
from timesheets.trust.token_rules import MAX_LIFETIME_SECONDS, MAX_NAME_LENGTH, Fault, Profile, TokenPolicy
from timesheets.trust.unverified_tokens import read_unverified_token


class Rule(NamedTuple):
    """A statement about the token. If it has no `members`, it is about the whole text.

    `faults`, or codes of other errors, say that it is broken or unknown.
    """

    text: str
    members: str
    faults: tuple[str, ...]


# In the API's order.
RULES = (
    Rule("it fits in the Authorization header", "", ("invalid_request",)),
    Rule("it is a signed JWT", "", (Fault.MALFORMED,)),
    Rule("its algorithm is allowed", "alg", (Fault.ALGORITHM,)),
    Rule("its header does not change what is signed", "crit b64 zip enc cty kid", (Fault.HEADER,)),
    Rule("it is an access token", "typ", (Fault.TYPE,)),
    Rule("it comes from the trusted issuer", "iss", (Fault.ISSUER,)),
    Rule("it is for this API", "aud", (Fault.AUDIENCE,)),
    Rule("it is valid now", "iat nbf exp", (Fault.TIMES, Fault.EXPIRED, Fault.NOT_YET_VALID, Fault.LIFETIME)),
    Rule("it names its client", "client_id azp sub jti", (Fault.CLIENT, Fault.NAMES)),
    Rule("it is not bound to a key", "cnf", (Fault.BOUND,)),
    Rule(
        "it is signed by a key of the issuer", "kid alg", (Fault.KEY, Fault.SIGNATURE, "issuer_unavailable")
    ),
    Rule("it grants {scope}", "scope scp permissions", ("insufficient_scope",)),
)

# The page of Auth0's dashboard that most remedies name.
_AUTH0_API = "Auth0: Applications > APIs > this API"
_GET_ANOTHER = "Get a new token, and send the whole access_token of the issuer's response."

_CLIENT = (
    f"the client's id, a string of 1 to {MAX_NAME_LENGTH} characters; {{reason}}",
    "Have the issuer name the client in client_id (RFC 9068) or azp (Auth0).",
)
# By fault: what is expected, then the remedies. The texts are templates for the facts of `explain`.
EXPLANATIONS: Mapping[str, tuple[str, ...]] = {
    "invalid_request": ("at most 8,000 of A-Z a-z 0-9 . _ ~ + / -, and = only at the end", _GET_ANOTHER),
    Fault.MALFORMED: (
        "a signed JWT, three parts of base64url separated by dots; {reason}",
        "Auth0 issues opaque and encrypted ones if the request names no audience: request {audience}.",
        f"If it is encrypted: {_AUTH0_API} > Settings: turn off the encryption of access tokens.",
        _GET_ANOTHER,
    ),
    Fault.ALGORITHM: (
        "one of OAUTH_ALGORITHMS: {algorithms}",
        "If the issuer signs with another one on purpose, add it to OAUTH_ALGORITHMS.",
        f"{_AUTH0_API} > Settings > Signing Algorithm: RS256. If it is locked, create a new API.",
    ),
    Fault.HEADER: (
        "a header that does not change what is signed; {reason}",
        "If the issuer adds it to every token, only the issuer can turn it off.",
    ),
    Fault.TYPE: (
        "{types}",
        "An ID token is for the client that requested it, never for an API: send the access_token.",
        f"For at+jwt: {_AUTH0_API} > Settings > JSON Web Token (JWT) Profile: RFC 9068.",
    ),
    Fault.ISSUER: (
        '"{issuer}"',
        "If the API is right, request the token from {issuer} instead.",
        "If iss is another name of the same tenant, such as its custom domain: add it to OAUTH_ALSO_ISSUERS.",
        "If the API should trust another issuer: OAUTH_ISSUER, or AUTH0_DOMAIN for Auth0; every byte counts.",
        "First rename what it stored (manage.py clients move), or what is sent again counts twice.",
    ),
    Fault.AUDIENCE: (
        "{audience}, alone or in a list of strings",
        "Request the token with the audience {audience}. Without one, Auth0's tokens are for /userinfo.",
        "If aud is a client's id, it looks like an ID token: send the access_token, not the id_token.",
        "If the issuer knows this API by another identifier, set AUTH0_AUDIENCE to it.",
    ),
    Fault.TIMES: (
        "iat and exp, and nbf if present, as numbers of seconds since 1970; {reason}",
        "Have the issuer set them: the API must know when the token expires.",
    ),
    Fault.EXPIRED: (
        "a future exp, give or take {leeway}",
        "Get a new token. A client may keep one for expires_in seconds, no longer.",
    ),
    Fault.NOT_YET_VALID: (
        "past iat and nbf, give or take {leeway}",
        "Synchronize the clocks of this machine and of the issuer with NTP.",
    ),
    Fault.LIFETIME: (
        f"exp at most {MAX_LIFETIME_SECONDS // 86400} days after iat",
        f"{_AUTH0_API} > Settings > Maximum Access Token Lifetime: a day is 86400.",
    ),
    Fault.CLIENT: _CLIENT,
    Fault.NAMES: _CLIENT,
    Fault.BOUND: (
        "a bearer token: this API does not check the key or certificate that a token is bound to",
        "Request the token without a DPoP header and without a client certificate.",
    ),
    "issuer_unavailable": (
        "the issuer's keys, to verify the signature with",
        "The token may be valid. Try again once manage.py check_issuer reports no failure.",
    ),
    Fault.KEY: (
        "a current key of the issuer; a token without kid needs an issuer with exactly one key",
        "The key is retired, another tenant's or forged: get a new token from the issuer.",
    ),
    Fault.SIGNATURE: (
        "a signature by this key of the issuer, of exactly this content; {reason}",
        _GET_ANOTHER,
    ),
    "insufficient_scope": (
        "{scope} in {claims}",
        f"{_AUTH0_API} > Machine to Machine Applications > {{client}}: tick {{scope}}. Get a new token.",
        "Some issuers grant only requested scopes: for upload_timesheet set OAUTH_SCOPE={scope}.",
        "If permissions names it: set OAUTH_SCOPE_CLAIMS={claims},permissions. A user's never count.",
    ),
}

# The year 10000.
_END_OF_CALENDAR = 253_402_300_800
_HEADER_MEMBERS = frozenset({"alg", "typ", "kid", "crit", "b64", "zip", "enc", "cty"})
# What a text of so many parts is that is not a signed JWT.
_KINDS = {1: "an opaque token, not a JWT", 5: "an encrypted token, which the API cannot decrypt"}


def explain(
    rule: Rule, fault: str, text: str, policy: TokenPolicy, now: float, **facts: str
) -> Iterator[tuple[str, str]]:
    """Labels and texts. `now` is in seconds since the epoch."""
    names = rule.members.split()
    yield "holds", _describe_members(names, text, now) if names else _describe_text(text)
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
    yield from (("to do", remedy) for remedy in remedies)


def _describe_text(text: str) -> str:
    """The form of a text that is no token. It may be another secret, so none of it is shown."""
    parts = text.split(".")
    kind = _KINDS.get(len(parts), "a truncated, joined or modified token")
    wrapped = ", with white space inside: was it wrapped?" if any(map(str.isspace, text)) else ""
    lengths = ", ".join(str(len(part)) for part in parts[:6])
    return f"{kind}; parts: {len(parts)}, of {lengths} characters{wrapped}"


def _describe_members(names: list[str], text: str, now: float) -> str:
    header, claims = read_unverified_token(text)
    values = {name: (header if name in _HEADER_MEMBERS else claims).get(name) for name in names}
    found = [f"{name} {_describe(name, value, now)}" for name, value in values.items() if value is not None]
    return ", ".join(found) or f"no {', '.join(names)}"


def _describe(name: str, value: object, now: float) -> str:
    if name in ("iat", "nbf", "exp") and isinstance(value, int | float) and 1 < value < _END_OF_CALENDAR:
        distance = describe_duration(value - now)
        return f"{describe_time(value)}, {f'in {distance}' if value > now else f'{distance} ago'}"
    return quote(value)
