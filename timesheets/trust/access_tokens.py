"""Decide whether an access token can be trusted. Knows JWT; knows no web framework."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import jwt

from timesheets.trust.principals import MachineClient, VerifiedToken
from timesheets.trust.token_rules import (
    Fault,
    TokenPolicy,
    TokenRejected,
    TokenTimes,
    check_claims,
    check_header,
    read_times,
)
from timesheets.trust.unverified_tokens import read_unverified_token

MAX_REMEMBERED_TOKENS = 1024
# The claims that may hold scopes: RFC 8693's, the one of other issuers, and Auth0's list for machines.
SCOPE_CLAIMS = frozenset({"scope", "scp", "permissions"})


class KeySource(Protocol):
    def find_key(self, key_id: str | None, algorithm: str) -> jwt.PyJWK:
        """The key to verify `algorithm` with. Raises TokenRejected or KeysUnavailable."""


@dataclass(frozen=True, kw_only=True)
class _Verification:
    """A verified token, and what the decision depended on besides the token's bytes."""

    token: VerifiedToken
    times: TokenTimes
    policy: TokenPolicy
    key_id: str | None
    algorithm: str
    key: jwt.PyJWK


class TokenMemory:
    """The tokens that were verified last. It keeps their digests, not the tokens, and no refused token."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # The one that was used last is the last one.
        self._verifications: OrderedDict[bytes, _Verification] = OrderedDict()

    def find(self, digest: bytes) -> _Verification | None:
        with self._lock:
            if digest in self._verifications:
                self._verifications.move_to_end(digest)
            return self._verifications.get(digest)

    def keep(self, digest: bytes, verification: _Verification) -> None:
        """Remember the verification. If there are too many, forget the one not used for longest."""
        with self._lock:
            self._verifications[digest] = verification
            if len(self._verifications) > MAX_REMEMBERED_TOKENS:
                self._verifications.popitem(last=False)


def verify_access_token(
    text: str, policy: TokenPolicy, keys: KeySource, now: float, memory: TokenMemory
) -> VerifiedToken:
    """The content of the token `text`, once it is verified.

    `now` is in seconds since the epoch. Cheap rules run before expensive ones, and nothing asks for
    the issuer's keys before the token passes every rule that needs no key. A token in `memory` is not
    verified again while its times, the policy and the issuer's key allow it. Raises TokenRejected if the
    token cannot be trusted, and KeysUnavailable if the keys are missing to decide that.
    """
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    known = memory.find(digest)
    if known is not None and known.policy == policy:
        known.times.require_validity(policy, now)
        # Each request asks for the key, so that stale keys are fetched again and withdrawn keys end at once.
        if keys.find_key(known.key_id, known.algorithm) is known.key:
            return known.token
    header, claims, key = verify_jwt(text, policy, keys, now)
    verification = _Verification(
        token=_describe_token(claims, policy),
        times=read_times(claims),
        policy=policy,
        key_id=header.get("kid"),
        algorithm=header["alg"],
        key=key,
    )
    memory.keep(digest, verification)
    return verification.token


def verify_jwt(
    text: str, policy: TokenPolicy, keys: KeySource, now: float
) -> tuple[Mapping[str, Any], Mapping[str, Any], jwt.PyJWK]:
    """The header, the claims and the key of a good token. Raises TokenRejected or KeysUnavailable."""
    header, claims = read_unverified_token(text)
    check_header(header, policy)
    check_claims(claims, policy, now)
    return header, claims, verify_signature(text, header, policy, keys)


def verify_signature(text: str, header: Mapping[str, Any], policy: TokenPolicy, keys: KeySource) -> jwt.PyJWK:
    """Verify the token with the issuer's key, and return that. Raises TokenRejected or KeysUnavailable."""
    algorithm = header["alg"]
    key = keys.find_key(header.get("kid"), algorithm)
    # The rules check most of this before. It is repeated, because a verifier that skips a check is a trap.
    options: Any = {
        "require": ["aud", "exp", "iat", "iss"],
        # NIST SP 800-131A: no RSA key under 2048 bits.
        "enforce_minimum_key_length": True,
    }
    try:
        jwt.decode(
            text,
            key,
            # It is one of the configured algorithms, and the key is bound to it.
            algorithms=[algorithm],
            audience=policy.audience,
            issuer=policy.issuers,
            leeway=policy.leeway_seconds,
            options=options,
        )
    except jwt.ExpiredSignatureError:
        # PyJWT ignores the fraction of a second, and it reads the clock later than our rules.
        raise TokenRejected(Fault.EXPIRED, "exp has passed") from None
    except Exception as error:  # noqa: BLE001  If a library fails on a token, the token is not trusted.
        raise TokenRejected(Fault.SIGNATURE, type(error).__name__) from None
    return key


def _describe_token(claims: Mapping[str, Any], policy: TokenPolicy) -> VerifiedToken:
    client_id = claims.get("client_id") or claims.get("azp") or claims["sub"]
    client = MachineClient(
        issuer=policy.issuer,
        client_id=client_id,
        organization=claims.get("org_id", ""),
        subject=claims.get("sub"),
        is_web_client=client_id == policy.web_client_id,
    )
    scopes = _read_scopes(claims, client_id, policy.scope_claims)
    return VerifiedToken(client=client, token_id=claims.get("jti"), scopes=scopes, expires_at=claims["exp"])


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
