"""Decide whether an access token can be trusted. Knows JWT; knows no web framework."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from timesheets.trust.jwks import KeySource, KeyUnknown
from timesheets.trust.token_rules import RULES, Fault, TokenPolicy, TokenRejected
from timesheets.trust.unverified_tokens import TokenMalformed, UnverifiedToken, read_unverified_token

# The claims that may hold scopes: RFC 8693's, the one of other issuers, and Auth0's list for machines.
SCOPE_CLAIMS = frozenset({"scope", "scp", "permissions"})


@dataclass(frozen=True, kw_only=True)
class VerifiedToken:
    """The content of a token whose signature and claims are verified."""

    issuer: str
    client_id: str
    subject: str | None
    token_id: str | None
    scopes: frozenset[str]
    expires_at: float


def verify_access_token(text: str, policy: TokenPolicy, keys: KeySource, now: float) -> VerifiedToken:
    """The content of the token `text`, once it is verified.

    `now` is in seconds since the epoch. Cheap rules run before expensive ones, and nothing asks for
    the issuer's keys before the token passes every rule that needs no key. Raises TokenRejected if
    the token cannot be trusted, and KeysUnavailable if the keys are missing to decide that.
    """
    try:
        unverified = read_unverified_token(text)
    except TokenMalformed as reason:
        raise TokenRejected(Fault.MALFORMED, str(reason)) from None
    for check in RULES.values():
        check(unverified, policy, now)
    verify_signature(text, unverified, policy, keys)
    claims = unverified.claims
    client_id = claims.get("client_id") or claims.get("azp") or claims["sub"]
    return VerifiedToken(
        issuer=policy.issuer,
        client_id=client_id,
        subject=claims.get("sub"),
        token_id=claims.get("jti"),
        scopes=_read_scopes(claims, client_id, policy.scope_claims),
        expires_at=claims["exp"],
    )


def verify_signature(text: str, token: UnverifiedToken, policy: TokenPolicy, keys: KeySource) -> None:
    """Verify the token with the issuer's key. Raises TokenRejected or KeysUnavailable."""
    algorithm = token.header["alg"]
    try:
        key = keys.find_key(token.header.get("kid"), algorithm)
    except KeyUnknown:
        raise TokenRejected(Fault.KEY, "the issuer has no usable key with this kid and algorithm") from None
    try:
        jwt.decode(
            text,
            key,
            # It is one of the configured algorithms, and the key is bound to it.
            algorithms=[algorithm],
            audience=policy.audience,
            issuer=policy.issuer,
            leeway=policy.leeway_seconds,
            options=_DECODE_OPTIONS,
        )
    except jwt.ExpiredSignatureError:
        # PyJWT ignores the fraction of a second, and it reads the clock later than our rules.
        raise TokenRejected(Fault.EXPIRED, "exp has passed") from None
    except Exception as error:  # noqa: BLE001  If a library fails on a token, the token is not trusted.
        raise TokenRejected(Fault.SIGNATURE, type(error).__name__) from None


# The rules check all of this before. It is repeated, because a verifier that skips a check is a trap.
_DECODE_OPTIONS: Any = {
    "require": ["aud", "exp", "iat", "iss"],
    "verify_signature": True,
    "verify_aud": True,
    "verify_exp": True,
    "verify_iat": True,
    "verify_iss": True,
    "verify_nbf": True,
    # NIST SP 800-131A: no RSA key under 2048 bits.
    "enforce_minimum_key_length": True,
}


def _read_scopes(claims: Mapping[str, Any], client_id: str, scope_claims: tuple[str, ...]) -> frozenset[str]:
    """The scopes in `scope` (RFC 8693 section 4.2) and similar claims: separated by spaces, or a list.

    Auth0's `permissions` counts only for machines. A user's permissions are what the user may do, not
    what the user allowed the client to do.
    """
    scopes: set[str] = set()
    for name in scope_claims:
        granted = claims.get(name)
        if name == "permissions" and not _is_machine(claims, client_id):
            continue
        if isinstance(granted, str):
            scopes.update(granted.split(" "))
        elif isinstance(granted, list):
            scopes.update(scope for scope in granted if isinstance(scope, str))
    return frozenset(scopes - {""})


def _is_machine(claims: Mapping[str, Any], client_id: str) -> bool:
    subjects_of_client = client_id, f"{client_id}@clients"
    return claims.get("gty") == "client-credentials" or claims.get("sub") in subjects_of_client
