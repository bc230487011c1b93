"""The rules that an access token must pass before its key is needed. Knows JWT; knows no web framework."""

import enum
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from timesheets.trust.unverified_tokens import UnverifiedToken

MAX_LIFETIME_SECONDS = 30 * 24 * 3600
MAX_LEEWAY_SECONDS = 300
MAX_NAME_LENGTH = 255

# RFC 9068 section 2.1; Auth0's default profile uses JWT (RFC 7519 section 5.1), other issuers omit typ.
_RFC_9068_TYPES = frozenset({"at+jwt", "application/at+jwt"})
_TYPES = _RFC_9068_TYPES | {"jwt"}
# RFC 7515 section 4.1.11, RFC 7797 and RFC 7516: each changes what the signed bytes mean.
_REFUSED_HEADERS = frozenset({"crit", "b64", "zip", "enc", "cty"})
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
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

    @property
    def issuers(self) -> tuple[str, ...]:
        """The accepted values of `iss`."""
        return (self.issuer, *self.also_issuers)


def _check_algorithm(token: UnverifiedToken, policy: TokenPolicy, now: float) -> None:
    if token.header.get("alg") not in policy.algorithms:
        raise TokenRejected(Fault.ALGORITHM, "alg is not one of the configured algorithms")


def _check_header(token: UnverifiedToken, policy: TokenPolicy, now: float) -> None:
    if not _REFUSED_HEADERS.isdisjoint(token.header):
        raise TokenRejected(Fault.HEADER, "crit, b64, zip, enc and cty are not accepted")
    if not isinstance(token.header.get("kid", ""), str):
        raise TokenRejected(Fault.HEADER, "kid is not a string")


def _check_type(token: UnverifiedToken, policy: TokenPolicy, now: float) -> None:
    strict = policy.profile is Profile.RFC_9068
    token_type = token.header.get("typ", "JWT")
    if not isinstance(token_type, str) or token_type.lower() not in (_RFC_9068_TYPES if strict else _TYPES):
        raise TokenRejected(Fault.TYPE, "typ is not a type of access token")


def _check_issuer(token: UnverifiedToken, policy: TokenPolicy, now: float) -> None:
    if token.claims.get("iss") not in policy.issuers:
        raise TokenRejected(Fault.ISSUER, "iss is not the configured issuer, byte for byte")


def _check_audience(token: UnverifiedToken, policy: TokenPolicy, now: float) -> None:
    named = token.claims.get("aud")
    audiences = named if isinstance(named, list) else [named]
    if policy.audience not in audiences or not all(isinstance(name, str) for name in audiences):
        raise TokenRejected(Fault.AUDIENCE, "aud does not name this API")


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


def _check_times(token: UnverifiedToken, policy: TokenPolicy, now: float) -> None:
    read_times(token.claims).require_validity(policy, now)


def _read_time(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    # A boolean is a number in Python. NaN, Infinity and times that no clock shows fail the comparison.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < _END_OF_TIME:
        raise TokenRejected(Fault.TIMES, f"{name} is not a time in seconds")
    return math.floor(value)


def _check_client(token: UnverifiedToken, policy: TokenPolicy, now: float) -> None:
    names = {name: token.claims[name] for name in _NAMING_CLAIMS if name in token.claims}
    for name, value in names.items():
        if not _is_name(value):
            raise TokenRejected(Fault.NAMES, f"{name} is not a string that can be stored and logged")
    if names.get("client_id", names.get("azp")) != names.get("azp", names.get("client_id")):
        raise TokenRejected(Fault.CLIENT, "client_id and azp differ")
    if names.keys() <= {"jti", "org_id"}:
        raise TokenRejected(Fault.CLIENT, "no client_id, azp or sub")
    if policy.profile is Profile.RFC_9068 and not names.keys() >= {"client_id", "jti"}:
        raise TokenRejected(Fault.CLIENT, "client_id and jti are required by RFC 9068")


# Auth0's `org_id` is the organization for which an application acts.
_NAMING_CLAIMS = ("client_id", "azp", "sub", "jti", "org_id")


def _is_name(value: object) -> bool:
    return (
        isinstance(value, str)
        and 1 <= len(value) <= MAX_NAME_LENGTH
        and not _CONTROL_CHARACTERS.search(value)
    )


def _check_unbound(token: UnverifiedToken, policy: TokenPolicy, now: float) -> None:
    if "cnf" in token.claims:
        raise TokenRejected(Fault.BOUND, "cnf binds the token to a key, which the API does not check")


Check = Callable[[UnverifiedToken, TokenPolicy, float], None]

# In the order of the checks. Each name states what the check requires.
RULES: Mapping[str, Check] = {
    "its algorithm is allowed": _check_algorithm,
    "its header does not change what is signed": _check_header,
    "it is an access token": _check_type,
    "it comes from the trusted issuer": _check_issuer,
    "it is for this API": _check_audience,
    "it is valid now": _check_times,
    "it names its client": _check_client,
    "it is not bound to a key": _check_unbound,
}
