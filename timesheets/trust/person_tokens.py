"""Decide who signed in, by the tokens that the code flow brought. Knows no web framework."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from authlib.oidc.core import CodeIDToken

from timesheets.trust.access_tokens import KeySource, TokenMemory, verify_access_token, verify_jwt
from timesheets.trust.code_flow import Attempt, Outcome, SignInFailed
from timesheets.trust.issuers import WebClient
from timesheets.trust.principals import VerifiedToken
from timesheets.trust.token_rules import MAX_NAME_LENGTH, Fault, Profile, TokenPolicy, TokenRejected

_REMEDY = ": register AUTH0_AUDIENCE at the issuer as an API with JWTs, and check OAUTH_AUDIENCE_PARAMETER"


@dataclass(frozen=True, kw_only=True)
class Person:
    """The name to show, and the id of the session at the issuer, which may be empty."""

    name: str
    session_id: str


def verify_person(
    tokens: tuple[str, str],
    attempt: Attempt,
    client: WebClient,
    policy: TokenPolicy,
    keys: KeySource,
    now: float,
) -> tuple[Person, VerifiedToken]:
    """Return the person, and the content of their access token. Raises SignInFailed or KeysUnavailable."""
    id_token, access_token = tokens
    expected = {"client_id": client.client_id, "nonce": attempt.nonce, "access_token": access_token}
    try:
        claims = _verify_id_token(id_token, expected, policy, keys, now)
    except TokenRejected as rejection:
        raise SignInFailed(Outcome.UNAVAILABLE, f"ID token: {rejection}") from None
    try:
        token = verify_access_token(access_token, policy, keys, now, TokenMemory())
        # A token that names no client acts for its subject.
        if not token.client.is_web_client or token.client.subject in (None, client.client_id):
            raise TokenRejected(Fault.CLIENT, "it does not name the web client and a person")
    except TokenRejected as rejection:
        is_misconfigured = rejection.fault in (Fault.MALFORMED, Fault.AUDIENCE)
        outcome, remedy = (Outcome.MISCONFIGURED, _REMEDY) if is_misconfigured else (Outcome.UNAVAILABLE, "")
        raise SignInFailed(outcome, f"access token: {rejection}{remedy}") from None
    texts = {name: text.strip() for name, text in claims.items() if isinstance(text, str)}
    name = texts.get("name") or texts.get("email") or texts["sub"]
    return Person(name=name[:MAX_NAME_LENGTH], session_id=texts.get("sid", "")), token


def _verify_id_token(
    text: str, expected: Mapping[str, str], policy: TokenPolicy, keys: KeySource, now: float
) -> Mapping[str, Any]:
    """The claims (OpenID Connect Core 1.0 section 3.1.3.7). Raises TokenRejected or KeysUnavailable."""
    # The policy requires `aud`, because Authlib accepts a foreign one next to the right `azp`.
    policy = replace(policy, audience=expected["client_id"], profile=Profile.AUTH0)
    header, claims, _ = verify_jwt(text, policy, keys, now)
    try:
        CodeIDToken(claims, header, params=expected).validate(now, policy.leeway_seconds)
    except Exception as error:  # noqa: BLE001  If a library fails on a token, the token is not trusted.
        name = getattr(error, "claim", type(error).__name__)
        raise TokenRejected(Fault.CLIENT, f"{name} is missing or wrong") from None
    return claims
