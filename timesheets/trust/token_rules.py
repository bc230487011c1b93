"""The rules that an access token must pass before its key is needed. Knows JWT; knows no web framework."""

import enum
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_LIFETIME_SECONDS = 30 * 24 * 3600
MAX_LEEWAY_SECONDS = 300
MAX_NAME_LENGTH = 255

# RFC 9068 section 2.1; Auth0's default profile uses JWT (RFC 7519 section 5.1), other issuers omit typ.
_RFC_9068_TYPES = frozenset({"at+jwt", "application/at+jwt"})
_TYPES = _RFC_9068_TYPES | {"jwt"}
# RFC 7515 section 4.1.11, RFC 7797 and RFC 7516: each changes what the signed bytes mean.
_REFUSED_HEADERS = frozenset({"crit", "b64", "zip", "enc", "cty"})
# Auth0's `org_id` is the organization for which an application acts.
_NAMING_CLAIMS = ("client_id", "azp", "sub", "jti", "org_id")
# Without control characters.
_NAME = re.compile(rf"[^\x00-\x1f\x7f-\x9f]{{1,{MAX_NAME_LENGTH}}}")
# The first second that a float cannot distinguish from the next.
_END_OF_TIME = 2**53


class Fault(enum.StrEnum):
    """A reason to refuse a token: the stable code in the logs."""

    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    HEADER = "header"
    TYPE = "type"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    TIMES = "times"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    LIFETIME = "lifetime"
    CLIENT = "client"
    NAMES = "names"
    BOUND = "bound"
    KEY = "key"
    SIGNATURE = "signature"


class TokenRejected(Exception):
    """The token cannot be trusted. `reason` is for logs and contains no text from the token."""

    def __init__(self, fault: Fault, reason: str) -> None:
        super().__init__(f"{fault}: {reason}")
        self.fault = fault
        self.reason = reason


class Profile(enum.StrEnum):
    """The form of the issuer's tokens."""

    # Auth0's default, and what most issuers send. Includes tokens of RFC 9068.
    AUTH0 = "auth0"
    RFC_9068 = "rfc9068"


@dataclass(frozen=True, kw_only=True)
class TokenPolicy:
    """The API's requirements for tokens. `algorithms` are asymmetric (RFC 8725 section 3.1)."""

    issuer: str
    audience: str
    # Other names of the same issuer, such as its custom domain.
    also_issuers: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ("RS256",)
    profile: Profile = Profile.AUTH0
    scope_claims: tuple[str, ...] = ("scope", "scp")
    leeway_seconds: float = 30
    # The client through which people sign in.
    web_client_id: str | None = None

    @property
    def issuers(self) -> tuple[str, ...]:
        """The accepted values of `iss`."""
        return (self.issuer, *self.also_issuers)


def check_header(header: Mapping[str, Any], policy: TokenPolicy) -> None:
    """Raise TokenRejected unless the header may introduce an access token."""
    _require(header.get("alg") in policy.algorithms, Fault.ALGORITHM, "alg is not a configured algorithm")
    unchanged = _REFUSED_HEADERS.isdisjoint(header)
    _require(unchanged, Fault.HEADER, "crit, b64, zip, enc and cty are not accepted")
    _require(isinstance(header.get("kid", ""), str), Fault.HEADER, "kid is not a string")
    types = _RFC_9068_TYPES if policy.profile is Profile.RFC_9068 else _TYPES
    _require(str(header.get("typ", "JWT")).lower() in types, Fault.TYPE, "typ is not a type of access token")


def check_claims(claims: Mapping[str, Any], policy: TokenPolicy, now: float) -> None:
    """Raise TokenRejected unless the token is for this API at `now`, in seconds since the epoch."""
    is_ours = claims.get("iss") in policy.issuers
    _require(is_ours, Fault.ISSUER, "iss is not the configured issuer, byte for byte")
    named = claims.get("aud")
    audiences = named if isinstance(named, list) else [named]
    names_us = policy.audience in audiences and all(isinstance(name, str) for name in audiences)
    _require(names_us, Fault.AUDIENCE, "aud does not name this API")
    read_times(claims).require_validity(policy, now)
    _check_names({name: claims[name] for name in _NAMING_CLAIMS if name in claims}, policy)
    is_bearer = "cnf" not in claims
    _require(is_bearer, Fault.BOUND, "cnf binds the token to a key, which the API does not check")


def _check_names(names: Mapping[str, object], policy: TokenPolicy) -> None:
    for name, value in names.items():
        is_name = isinstance(value, str) and _NAME.fullmatch(value)
        _require(bool(is_name), Fault.NAMES, f"{name} is not a string that can be stored and logged")
    agree = len({names[name] for name in names.keys() & {"client_id", "azp"}}) < 2
    _require(agree, Fault.CLIENT, "client_id and azp differ")
    _require(not names.keys() <= {"jti", "org_id"}, Fault.CLIENT, "no client_id, azp or sub")
    is_complete = policy.profile is not Profile.RFC_9068 or names.keys() >= {"client_id", "jti"}
    _require(is_complete, Fault.CLIENT, "client_id and jti are required by RFC 9068")


def _require(holds: bool, fault: Fault, reason: str) -> None:
    if not holds:
        raise TokenRejected(fault, reason)


@dataclass(frozen=True, kw_only=True)
class TokenTimes:
    """The times of a token, in whole seconds since the epoch. PyJWT compares them as well."""

    issued_at: int
    not_before: int
    expires_at: int

    def require_validity(self, policy: TokenPolicy, now: float) -> None:
        """Raise TokenRejected unless the token is valid at `now`, in seconds since the epoch."""
        if self.expires_at <= now - policy.leeway_seconds:
            raise TokenRejected(Fault.EXPIRED, "exp has passed")
        if max(self.issued_at, self.not_before) > now + policy.leeway_seconds:
            raise TokenRejected(Fault.NOT_YET_VALID, "iat or nbf is in the future: compare the clocks")
        if self.expires_at - self.issued_at > MAX_LIFETIME_SECONDS:
            raise TokenRejected(Fault.LIFETIME, "exp is more than 30 days after iat")


def read_times(claims: Mapping[str, Any]) -> TokenTimes:
    """The times in the claims. Raises TokenRejected if one is not a number of seconds."""
    expires_at, issued_at = _read_time(claims, "exp"), _read_time(claims, "iat")
    not_before = _read_time(claims, "nbf") if "nbf" in claims else issued_at
    return TokenTimes(issued_at=issued_at, not_before=not_before, expires_at=expires_at)


def _read_time(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    # A boolean is a number in Python. NaN, Infinity and times that no clock shows fail the comparison.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < _END_OF_TIME:
        raise TokenRejected(Fault.TIMES, f"{name} is not a time in seconds")
    return math.floor(value)
