"""Explain a claim that breaks a rule: what it holds, what was expected, what to do. Judges nothing."""

import re
from collections.abc import Iterator, Mapping

from timesheets.diagnosis.explanations import AUTH0_API, Case, Explanation
from timesheets.diagnosis.plain_words import describe_duration, describe_near_miss, describe_time, quote
from timesheets.trust.token_rules import MAX_LIFETIME_SECONDS, MAX_NAME_LENGTH

# What ID tokens have and access tokens have not (OpenID Connect Core 1.0 sections 2 and 3.3.2.11).
_ID_TOKEN_CLAIMS = frozenset({"nonce", "at_hash", "c_hash"})
_AUTH0_CLIENT_ID = re.compile(r"[A-Za-z0-9]{32}", re.ASCII)


def explain_issuer(case: Case) -> Explanation:
    issuer, expected = case.token.claims.get("iss"), case.policy.issuer
    near_miss = describe_near_miss(issuer, expected)
    return Explanation(
        holds=_hold("iss", issuer, near_miss),
        expected=quote(expected),
        remedies=list(_remedy_near_miss(issuer) if near_miss else _remedy_other_issuer(issuer, expected)),
    )


def _remedy_near_miss(issuer: object) -> Iterator[str]:
    yield f"Each byte counts: set OAUTH_ISSUER to {quote(issuer)}, if the issuer really writes that."
    yield "For an Auth0 tenant set AUTH0_DOMAIN instead: scheme and slash are then added as Auth0 has them."


def _remedy_other_issuer(issuer: object, expected: str) -> Iterator[str]:
    yield f"If the API is right, the token was requested elsewhere: request it from {expected}"
    yield "If the token is right, set OAUTH_ISSUER to its iss, or AUTH0_DOMAIN to the tenant's domain."
    if ".auth0.com" in f"{issuer}{expected}":
        yield "An Auth0 tenant with a custom domain writes into iss the domain that was asked for the token."


def explain_audience(case: Case) -> Explanation:
    audience, expected = case.token.claims.get("aud"), case.policy.audience
    return Explanation(
        holds=_hold("aud", audience, describe_near_miss(audience, expected)),
        expected=f"{quote(expected)}, alone or in a list of strings",
        remedies=[
            *_guess_audience(case.token.claims),
            f"Request the token with the audience {quote(expected)}.",
            "If this API has another identifier at the issuer, set AUTH0_AUDIENCE to that: each byte counts.",
        ],
    )


def _guess_audience(claims: Mapping[str, object]) -> Iterator[str]:
    audience = claims.get("aud")
    names = [
        name for name in (audience if isinstance(audience, list) else [audience]) if isinstance(name, str)
    ]
    if any(name.endswith("/userinfo") for name in names):
        yield "It is for Auth0's userinfo, a user's profile: it was requested without this API's audience."
    if not _ID_TOKEN_CLAIMS.isdisjoint(claims) or any(_is_client_id(name, claims) for name in names):
        yield "It looks like an ID token, which is for a client: send the access_token, not the id_token."


def _is_client_id(name: str, claims: Mapping[str, object]) -> bool:
    return name in (claims.get("azp"), claims.get("client_id")) or bool(_AUTH0_CLIENT_ID.fullmatch(name))


def explain_times(case: Case) -> Explanation:
    claims = case.token.claims
    times = [_hold(name, claims[name]) for name in ("iat", "nbf", "exp") if name in claims]
    return Explanation(
        holds=", ".join(times) or "no iat, nbf or exp",
        expected=f"iat and exp, and nbf where it stands, in seconds since 1970 as numbers; {case.reason}",
        remedies=["Let the issuer write them: nobody knows otherwise when the token ends."],
    )


def explain_expired(case: Case) -> Explanation:
    expires_at = case.token.claims["exp"]
    ago = describe_duration(case.now - expires_at)
    return Explanation(
        holds=f"exp {describe_time(expires_at)}: it expired {ago} ago",
        expected=f"a time to come, give or take {describe_duration(case.policy.leeway_seconds)}",
        remedies=["Get a new token. A client may keep one for as long as expires_in says, and no longer."],
    )


def explain_not_yet_valid(case: Case) -> Explanation:
    times = {name: case.token.claims[name] for name in ("iat", "nbf") if name in case.token.claims}
    name = max(times, key=lambda name: times[name])
    ahead = describe_duration(times[name] - case.now)
    return Explanation(
        holds=f"{name} {describe_time(times[name])}: it is valid in {ahead}",
        expected=f"a time that has come, give or take {describe_duration(case.policy.leeway_seconds)}",
        remedies=["Let NTP set the clock of this machine, and that of the issuer."],
    )


def explain_lifetime(case: Case) -> Explanation:
    lifetime = case.token.claims["exp"] - case.token.claims["iat"]
    return Explanation(
        holds=f"exp {describe_duration(lifetime)} after iat",
        expected=f"at most {describe_duration(MAX_LIFETIME_SECONDS)}",
        remedies=[f"{AUTH0_API} > Settings > Maximum Access Token Lifetime: a day is 86400."],
    )


def explain_client(case: Case) -> Explanation:
    claims = case.token.claims
    names = [_hold(name, claims[name]) for name in ("client_id", "azp", "sub", "jti") if name in claims]
    return Explanation(
        holds=", ".join(names) or "no client_id, azp or sub",
        expected=f"the client's id, a string of 1 to {MAX_NAME_LENGTH} characters; {case.reason}",
        remedies=["Let the issuer name the token's client: in client_id (RFC 9068) or azp (Auth0)."],
    )


def explain_bound(case: Case) -> Explanation:
    return Explanation(
        holds=f"{_hold('cnf', case.token.claims['cnf'])}: good only together with that key or certificate",
        expected="a bearer token; this API does not check what a token is bound to",
        remedies=[
            "Request the token without a DPoP header and without a client certificate.",
            "Auth0: switch sender constraining off for the API and for the application.",
        ],
    )


def _hold(name: str, value: object, near_miss: str = "") -> str:
    shown = f"{name} {quote(value)}" if value is not None else f"no {name}"
    return f"{shown}: {near_miss}" if near_miss else shown
