"""Decide who signed in, by the tokens that the code flow brought. Knows no web framework."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from authlib.oidc.core import CodeIDToken

from timesheets.trust.access_tokens import verify_access_token, verify_jwt
from timesheets.trust.jwks import KeySource
from timesheets.trust.sign_ins import Attempt, Outcome, Person, SignInFailed, WebClient
from timesheets.trust.token_rules import MAX_NAME_LENGTH, Fault, Profile, TokenPolicy, TokenRejected
from timesheets.trust.unverified_tokens import read_unverified_token
from timesheets.trust.verified_tokens import TokenMemory, VerifiedToken

_REMEDY = "register AUTH0_AUDIENCE at the issuer as an API with JWTs, and check OAUTH_AUDIENCE_PARAMETER"


def verify_person(
    tokens: tuple[str, str],
    attempt: Attempt,
    client: WebClient,
    policy: TokenPolicy,
    keys: KeySource,
    now: float,
) -> tuple[Person, VerifiedToken]:
    """Who signed in, and the content of their access token. Raises SignInFailed or KeysUnavailable."""
    id_token, access_token = tokens
    expected = {"client_id": client.client_id, "nonce": attempt.nonce, "access_token": access_token}
    try:
        claims = _verify_id_token(id_token, expected, policy, keys, now)
    except TokenRejected as rejection:
        raise SignInFailed(Outcome.UNAVAILABLE, f"ID token: {rejection}") from None
    try:
        token = verify_access_token(access_token, policy, keys, now, TokenMemory())
        _require_person(access_token, client)
    except TokenRejected as rejection:
        if rejection.fault in (Fault.MALFORMED, Fault.AUDIENCE):
            reason = f"access token: {rejection}: {_REMEDY}"
            raise SignInFailed(Outcome.MISCONFIGURED, reason) from None
        raise SignInFailed(Outcome.UNAVAILABLE, f"access token: {rejection}") from None
    return _describe_person(claims), token


def _verify_id_token(
    text: str, expected: Mapping[str, str], policy: TokenPolicy, keys: KeySource, now: float
) -> Mapping[str, Any]:
    """The claims (OpenID Connect Core 1.0 section 3.1.3.7). Raises TokenRejected or KeysUnavailable."""
    # The policy requires `aud`, because Authlib accepts a foreign one next to the right `azp`.
    policy = replace(policy, audience=expected["client_id"], profile=Profile.AUTH0)
    token, _ = verify_jwt(text, policy, keys, now)
    try:
        CodeIDToken(token.claims, token.header, params=expected).validate(now, policy.leeway_seconds)
    except Exception as error:  # noqa: BLE001  If a library fails on a token, the token is not trusted.
        name = getattr(error, "claim", type(error).__name__)
        raise TokenRejected(Fault.CLIENT, f"{name} is missing or wrong") from None
    return token.claims


def _require_person(access_token: str, client: WebClient) -> None:
    claims = read_unverified_token(access_token).claims
    if client.client_id not in (claims.get("client_id"), claims.get("azp")) or not claims.get("sub"):
        raise TokenRejected(Fault.CLIENT, "it does not name the web client and a person")


def _describe_person(claims: Mapping[str, Any]) -> Person:
    texts = {name: text.strip() for name, text in claims.items() if isinstance(text, str)}
    name = texts.get("name") or texts.get("email") or texts["sub"]
    return Person(name=name[:MAX_NAME_LENGTH], session_id=texts.get("sid", ""))
