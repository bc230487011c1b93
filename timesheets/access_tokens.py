"""Decide whether an access token can be trusted. Knows JWT; knows no web framework."""

import base64
import enum
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import jwt

from timesheets.jwks import KeySource, KeyUnknown

MAX_LIFETIME_SECONDS = 30 * 24 * 3600
MAX_NAME_LENGTH = 255

_BASE64URL = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ACCEPTED_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
# RFC 7515 section 4.1.11 and RFC 7797: each changes what the signed bytes mean.
_REFUSED_HEADERS = frozenset({"crit", "b64", "zip", "enc", "cty"})


class Fault(enum.StrEnum):
    """Why a token is refused: the stable code that logs carry."""

    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    TYPE = "type"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    LIFETIME = "lifetime"
    CLAIMS = "claims"
    CLIENT = "client"
    BOUND = "bound"
    KEY = "key"
    SIGNATURE = "signature"


class TokenRejected(Exception):
    """The token cannot be trusted. `reason` is for logs and holds nothing of the token."""

    def __init__(self, fault: Fault, reason: str) -> None:
        super().__init__(f"{fault}: {reason}")
        self.fault = fault
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class TokenPolicy:
    """What an acceptable token says. `algorithms` are asymmetric ones (RFC 8725 section 3.1)."""

    issuer: str
    audience: str
    algorithms: tuple[str, ...] = ("RS256",)
    leeway_seconds: int = 30


@dataclass(frozen=True, kw_only=True)
class VerifiedToken:
    """What a token said whose signature and claims were verified."""

    issuer: str
    client_id: str
    subject: str | None
    token_id: str | None
    scopes: frozenset[str]
    expires_at: float


def verify_access_token(
    unverified_token: str, policy: TokenPolicy, keys: KeySource, now: float
) -> VerifiedToken:
    """Return what `unverified_token` says, once it is known to be true.

    `now` is in seconds since the epoch. Cheap rules come before dear ones, and the issuer's keys
    are asked for only when all that can be judged without them is in order. Raises TokenRejected
    for a token that cannot be trusted and KeysUnavailable where that cannot be said.
    """
    header, claims = _read_parts(unverified_token)
    _check_header(header, policy)
    _check_claims(claims, policy, now)
    verified = VerifiedToken(
        issuer=policy.issuer,
        client_id=_read_client_id(claims),
        subject=_read_name(claims, "sub", Fault.CLAIMS),
        token_id=_read_name(claims, "jti", Fault.CLAIMS),
        scopes=_read_scopes(claims),
        expires_at=claims["exp"],
    )
    _verify_signature(unverified_token, header, policy, keys)
    return verified


def _reject(fault: Fault, reason: str) -> NoReturn:
    raise TokenRejected(fault, reason)


def _read_parts(unverified_token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    parts = unverified_token.split(".")
    if len(parts) != 3:
        _reject(Fault.MALFORMED, "not three parts")
    header, claims, _signature = (_decode_base64url(part) for part in parts)
    return _read_object(header), _read_object(claims)


def _decode_base64url(part: str) -> bytes:
    """Decode strictly (RFC 7515 section 2): one text for each value, or a token had many spellings."""
    if not _BASE64URL.fullmatch(part) or len(part) % 4 == 1:
        _reject(Fault.MALFORMED, "not base64url")
    decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != part.encode():
        _reject(Fault.MALFORMED, "stray bits in base64url")
    return decoded


def _read_object(encoded: bytes) -> dict[str, Any]:
    """Read an I-JSON object (RFC 7493), which every parser understands in the same way."""
    try:
        value = json.loads(
            encoded.decode("utf-8"),
            object_pairs_hook=_refuse_repeated_members,
            parse_constant=_refuse_constant,
        )
        # A lone surrogate has no UTF-8.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        _reject(Fault.MALFORMED, "not I-JSON")
    if not isinstance(value, dict):
        _reject(Fault.MALFORMED, "not a JSON object")
    return value


def _refuse_repeated_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("repeated member")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check_header(header: Mapping[str, Any], policy: TokenPolicy) -> None:
    if header.get("alg") not in policy.algorithms:
        _reject(Fault.ALGORITHM, "alg is not one of those configured")
    if not _REFUSED_HEADERS.isdisjoint(header):
        _reject(Fault.TYPE, "a header parameter that is not accepted")
    token_type = header.get("typ", "JWT")
    if not isinstance(token_type, str) or token_type.lower() not in _ACCEPTED_TYPES:
        _reject(Fault.TYPE, "typ is not that of an access token")
    if not isinstance(header.get("kid", ""), str):
        _reject(Fault.MALFORMED, "kid is not a string")


def _check_claims(claims: Mapping[str, Any], policy: TokenPolicy, now: float) -> None:
    if claims.get("iss") != policy.issuer:
        _reject(Fault.ISSUER, "iss is another issuer")
    if not _names_audience(claims.get("aud"), policy.audience):
        _reject(Fault.AUDIENCE, "aud does not name this API")
    _check_times(claims, policy.leeway_seconds, now)
    if "cnf" in claims:
        _reject(Fault.BOUND, "cnf binds the token to a key, which is not checked here")


def _names_audience(audiences: object, audience: str) -> bool:
    if isinstance(audiences, list):
        return all(isinstance(name, str) for name in audiences) and audience in audiences
    return audiences == audience


def _check_times(claims: Mapping[str, Any], leeway: float, now: float) -> None:
    expires_at, issued_at = _read_time(claims, "exp"), _read_time(claims, "iat")
    not_before = _read_time(claims, "nbf") if "nbf" in claims else issued_at
    if expires_at <= now - leeway:
        _reject(Fault.EXPIRED, "exp has passed")
    if max(issued_at, not_before) > now + leeway:
        _reject(Fault.NOT_YET_VALID, "iat or nbf is in the future")
    if expires_at - issued_at > MAX_LIFETIME_SECONDS:
        _reject(Fault.LIFETIME, "exp is more than 30 days after iat")


def _read_time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        _reject(Fault.CLAIMS, f"{name} is not a number")
    return value


def _read_name(claims: Mapping[str, Any], name: str, fault: Fault) -> str | None:
    """A claim that names somebody or something, and that a log line and a database column can take."""
    if name not in claims:
        return None
    value = claims[name]
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_NAME_LENGTH:
        _reject(fault, f"{name} is not a string of 1 to {MAX_NAME_LENGTH} characters")
    if _CONTROL_CHARACTERS.search(value):
        _reject(fault, f"{name} holds control characters")
    return value


def _read_client_id(claims: Mapping[str, Any]) -> str:
    """The client: RFC 9068's `client_id`, else OpenID Connect's `azp`, else the subject."""
    client_id, authorized_party = (_read_name(claims, name, Fault.CLIENT) for name in ("client_id", "azp"))
    if client_id and authorized_party and client_id != authorized_party:
        _reject(Fault.CLIENT, "client_id and azp differ")
    client = client_id or authorized_party or _read_name(claims, "sub", Fault.CLIENT)
    if client is None:
        _reject(Fault.CLIENT, "no client_id, azp or sub")
    return client


def _read_scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """The scopes of `scope` (RFC 8693 section 4.2), else `scp`: separated by spaces, or a list."""
    granted = claims.get("scope", claims.get("scp"))
    if isinstance(granted, str):
        return frozenset(granted.split(" ")) - {""}
    if isinstance(granted, list):
        return frozenset(scope for scope in granted if isinstance(scope, str))
    return frozenset()


def _verify_signature(
    unverified_token: str, header: Mapping[str, Any], policy: TokenPolicy, keys: KeySource
) -> None:
    try:
        key = keys.find_key(header.get("kid"), header["alg"])
    except KeyUnknown:
        raise TokenRejected(Fault.KEY, "the issuer has no usable key of this kid") from None
    try:
        jwt.decode(
            unverified_token,
            key,
            # One algorithm a key (RFC 8725 section 3.1), never the token's own word.
            algorithms=[key.algorithm_name],
            audience=policy.audience,
            issuer=policy.issuer,
            leeway=policy.leeway_seconds,
            options={
                "require": ["aud", "exp", "iat", "iss"],
                "verify_signature": True,
                "verify_aud": True,
                "verify_exp": True,
                "verify_iat": True,
                "verify_iss": True,
                "verify_nbf": True,
                "enforce_minimum_key_length": True,
            },
        )
    except Exception as error:  # noqa: BLE001  Whatever a library makes of a hostile token, it is not trusted.
        raise TokenRejected(Fault.SIGNATURE, type(error).__name__) from None
