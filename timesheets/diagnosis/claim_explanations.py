"""Explain a claim that breaks a rule: what it holds, what the API expects, what to do."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from timesheets.diagnosis.wording import describe_duration, describe_near_miss, describe_time, quote
from timesheets.trust.token_rules import MAX_LIFETIME_SECONDS, MAX_NAME_LENGTH, Fault, TokenPolicy
from timesheets.trust.unverified_tokens import UnverifiedToken

# The page of Auth0's dashboard that most remedies name.
AUTH0_API = "Auth0: Applications > APIs > this API"
# ID tokens have these claims, access tokens do not (OpenID Connect Core 1.0 sections 2 and 3.3.2.11).
_ID_TOKEN_CLAIMS = frozenset({"nonce", "at_hash", "c_hash"})
_AUTH0_CLIENT_ID = re.compile(r"[A-Za-z0-9]{32}", re.ASCII)

# Labels and texts: what the token holds, what the API expects, then each remedy. Anybody can have written the
# token, so its text is quoted and cut.
Explanation = Iterator[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A token that breaks a rule, with the API's own `reason`. `now` is in seconds since the epoch."""

    token: UnverifiedToken
    policy: TokenPolicy
    now: float
    reason: str = ""


def _explain_issuer(case: Case) -> Explanation:
    issuer, expected = case.token.claims.get("iss"), case.policy.issuer
    near_miss = describe_near_miss(issuer, expected)
    yield "holds", _describe_claim("iss", issuer, near_miss)
    yield "expected", quote(expected)
    if near_miss:
        yield "to do", f"Every byte counts: set OAUTH_ISSUER to {quote(issuer)} if the issuer writes that."
        yield "to do", "For an Auth0 tenant, set AUTH0_DOMAIN instead: it adds the scheme and the slash."
        return
    yield "to do", f"If the API is right, request the token from {expected} instead."
    yield "to do", "If the token is right, set OAUTH_ISSUER to its iss, or AUTH0_DOMAIN to its domain."
    if ".auth0.com" in f"{issuer}{expected}":
        yield "to do", "An Auth0 tenant with a custom domain writes the requested domain into iss."


def _explain_audience(case: Case) -> Explanation:
    claims, expected = case.token.claims, case.policy.audience
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    names = [name for name in audiences if isinstance(name, str)]
    yield "holds", _describe_claim("aud", audience, describe_near_miss(audience, expected))
    yield "expected", f"{quote(expected)}, alone or in a list of strings"
    if any(name.endswith("/userinfo") for name in names):
        yield "to do", "It is for Auth0's /userinfo: it was requested without this API's audience."
    if not _ID_TOKEN_CLAIMS.isdisjoint(claims) or any(_is_client_id(name, claims) for name in names):
        yield "to do", "It looks like an ID token: send the access_token, not the id_token."
    yield "to do", f"Request the token with the audience {quote(expected)}."
    yield "to do", "If the issuer knows this API by another identifier, set AUTH0_AUDIENCE to it."


def _is_client_id(name: str, claims: Mapping[str, object]) -> bool:
    return name in (claims.get("azp"), claims.get("client_id")) or bool(_AUTH0_CLIENT_ID.fullmatch(name))


def _explain_times(case: Case) -> Explanation:
    yield "holds", _list_claims(case, "iat", "nbf", "exp") or "no iat, nbf or exp"
    yield "expected", f"iat and exp, and nbf if present, as numbers of seconds since 1970; {case.reason}"
    yield "to do", "Have the issuer set them: otherwise nobody knows when the token expires."


def _explain_expired(case: Case) -> Explanation:
    expires_at = case.token.claims["exp"]
    ago = describe_duration(case.now - expires_at)
    yield "holds", f"exp {describe_time(expires_at)}: it expired {ago} ago"
    yield "expected", f"a future time, give or take {describe_duration(case.policy.leeway_seconds)}"
    yield "to do", "Get a new token. A client may keep one for expires_in seconds, no longer."


def _explain_not_yet_valid(case: Case) -> Explanation:
    claims = case.token.claims
    name = max((name for name in ("iat", "nbf") if name in claims), key=lambda name: claims[name])
    ahead = describe_duration(claims[name] - case.now)
    yield "holds", f"{name} {describe_time(claims[name])}: it becomes valid in {ahead}"
    yield "expected", f"a past time, give or take {describe_duration(case.policy.leeway_seconds)}"
    yield "to do", "Synchronize the clocks of this machine and of the issuer with NTP."


def _explain_lifetime(case: Case) -> Explanation:
    lifetime = case.token.claims["exp"] - case.token.claims["iat"]
    yield "holds", f"exp {describe_duration(lifetime)} after iat"
    yield "expected", f"at most {describe_duration(MAX_LIFETIME_SECONDS)}"
    yield "to do", f"{AUTH0_API} > Settings > Maximum Access Token Lifetime: a day is 86400."


def _explain_client(case: Case) -> Explanation:
    yield "holds", _list_claims(case, "client_id", "azp", "sub", "jti") or "no client_id, azp or sub"
    yield "expected", f"the client's id, a string of 1 to {MAX_NAME_LENGTH} characters; {case.reason}"
    yield "to do", "Have the issuer name the client in client_id (RFC 9068) or azp (Auth0)."


def _explain_bound(case: Case) -> Explanation:
    yield "holds", f"{_list_claims(case, 'cnf')}: valid only with that key or certificate"
    yield "expected", "a bearer token: this API does not check token binding"
    yield "to do", "Request the token without a DPoP header and without a client certificate."
    yield "to do", "Auth0: turn off sender constraining for the API and the application."


CLAIM_EXPLAINERS: Mapping[Fault, Callable[[Case], Explanation]] = {
    Fault.ISSUER: _explain_issuer,
    Fault.AUDIENCE: _explain_audience,
    Fault.TIMES: _explain_times,
    Fault.EXPIRED: _explain_expired,
    Fault.NOT_YET_VALID: _explain_not_yet_valid,
    Fault.LIFETIME: _explain_lifetime,
    Fault.CLIENT: _explain_client,
    Fault.NAMES: _explain_client,
    Fault.BOUND: _explain_bound,
}


def _describe_claim(name: str, value: object, near_miss: str = "") -> str:
    shown = f"{name} {quote(value)}" if value is not None else f"no {name}"
    return f"{shown}: {near_miss}" if near_miss else shown


def _list_claims(case: Case, *names: str) -> str:
    claims = case.token.claims
    return ", ".join(f"{name} {quote(claims[name])}" for name in names if name in claims)
