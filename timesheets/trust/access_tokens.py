"""Decide whether an access token can be trusted. Knows JWT; knows no web framework."""

from collections.abc import Mapping
from typing import Any

import jwt

from timesheets.trust.jwks import KeySource, KeyUnknown
from timesheets.trust.token_rules import RULES, Fault, TokenPolicy, TokenRejected, read_times
from timesheets.trust.unverified_tokens import TokenMalformed, UnverifiedToken, read_unverified_token
from timesheets.trust.verified_tokens import TokenMemory, Verification, VerifiedToken

# The claims that may hold scopes: RFC 8693's, the one of other issuers, and Auth0's list for machines.
SCOPE_CLAIMS = frozenset({"scope", "scp", "permissions"})


def verify_access_token(
    text: str, policy: TokenPolicy, keys: KeySource, now: float, memory: TokenMemory
) -> VerifiedToken:
    """The content of the token `text`, once it is verified.

    `now` is in seconds since the epoch. Cheap rules run before expensive ones, and nothing asks for
    the issuer's keys before the token passes every rule that needs no key. A token in `memory` is not
    verified again while its times, the policy and the issuer's key allow it. Raises TokenRejected if the
    token cannot be trusted, and KeysUnavailable if the keys are missing to decide that.
    """
    known = memory.find(text)
    if known is None or not _still_holds(known, policy, keys, now):
        known = _verify(text, policy, keys, now)
        memory.keep(text, known)
    return known.token


def _still_holds(known: Verification, policy: TokenPolicy, keys: KeySource, now: float) -> bool:
    """Whether the policy and the key are those of the verification. Raises what a verification raises."""
    if known.policy != policy:
        return False
    known.times.require_validity(policy, now)
    # Each request asks for the key, so that stale keys are fetched again and withdrawn keys end at once.
    return _find_key(keys, known.key_id, known.algorithm) is known.key


def verify_jwt(
    text: str, policy: TokenPolicy, keys: KeySource, now: float
) -> tuple[UnverifiedToken, jwt.PyJWK]:
    """The content of a token that passes every rule, and its key. Raises TokenRejected or KeysUnavailable."""
    try:
        unverified = read_unverified_token(text)
    except TokenMalformed as reason:
        raise TokenRejected(Fault.MALFORMED, str(reason)) from None
    for check in RULES.values():
        check(unverified, policy, now)
    return unverified, verify_signature(text, unverified, policy, keys)


def _verify(text: str, policy: TokenPolicy, keys: KeySource, now: float) -> Verification:
    token, key = verify_jwt(text, policy, keys, now)
    claims = token.claims
    client_id = claims.get("client_id") or claims.get("azp") or claims["sub"]
    return Verification(
        token=VerifiedToken(
            issuer=policy.issuer,
            client_id=client_id,
            organization=claims.get("org_id", ""),
            subject=claims.get("sub"),
            token_id=claims.get("jti"),
            scopes=_read_scopes(claims, client_id, policy.scope_claims),
            expires_at=claims["exp"],
        ),
        times=read_times(claims),
        policy=policy,
        key_id=token.header.get("kid"),
        algorithm=token.header["alg"],
        key=key,
    )


def verify_signature(text: str, token: UnverifiedToken, policy: TokenPolicy, keys: KeySource) -> jwt.PyJWK:
    """Verify the token with the issuer's key, and return that. Raises TokenRejected or KeysUnavailable."""
    algorithm = token.header["alg"]
    key = _find_key(keys, token.header.get("kid"), algorithm)
    try:
        jwt.decode(
            text,
            key,
            # It is one of the configured algorithms, and the key is bound to it.
            algorithms=[algorithm],
            audience=policy.audience,
            issuer=policy.issuers,
            leeway=policy.leeway_seconds,
            options=_DECODE_OPTIONS,
        )
    except jwt.ExpiredSignatureError:
        # PyJWT ignores the fraction of a second, and it reads the clock later than our rules.
        raise TokenRejected(Fault.EXPIRED, "exp has passed") from None
    except Exception as error:  # noqa: BLE001  If a library fails on a token, the token is not trusted.
        raise TokenRejected(Fault.SIGNATURE, type(error).__name__) from None
    return key


def _find_key(keys: KeySource, key_id: str | None, algorithm: str) -> jwt.PyJWK:
    try:
        return keys.find_key(key_id, algorithm)
    except KeyUnknown:
        raise TokenRejected(Fault.KEY, "the issuer has no usable key with this kid and algorithm") from None


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
    is_client = claims.get("sub") in (client_id, f"{client_id}@clients")
    is_machine = is_client or claims.get("gty") == "client-credentials"
    scopes: set[str] = set()
    for name in scope_claims:
        granted = claims.get(name)
        if name == "permissions" and not is_machine:
            continue
        if isinstance(granted, str):
            scopes.update(granted.split(" "))
        elif isinstance(granted, list):
            scopes.update(scope for scope in granted if isinstance(scope, str))
    return frozenset(scopes - {""})
