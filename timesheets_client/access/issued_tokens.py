"""Reject a token that the API would not accept, as far as the client can see. Verifies no signature."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from timesheets_client.environment.config import UploaderConfig
from timesheets_client.errors import AccessRefused, ConfigurationError
from timesheets_client.network.messages import make_printable, parse_object

UPLOAD_SCOPE = "batch:upload"
CORRECT_SCOPE = "correct:timesheets"
READ_SCOPE = "read:timesheets"
# The API accepts it wherever READ_SCOPE is enough.
READ_ALL_SCOPE = "read:all-timesheets"
JWT = re.compile(r"[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")
# A token is renewed this long before it expires, or a tenth of its lifetime if that is shorter.
RENEWAL_SECONDS = 300
# More than any token's times, and the sum of two is a date that Python can write.
MAX_SECONDS = 1e11


@dataclass(frozen=True, kw_only=True)
class IssuedToken:
    """A token as the issuer issued it, not checked yet."""

    value: str = field(repr=False)
    # Seconds since 1970, by this machine's clock.
    issued_at: float
    expires_in: float | None


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    """A token for the API with the required scopes, as far as the client can see. Times as in IssuedToken."""

    value: str = field(repr=False)
    # On one line and safe to print.
    scopes: str
    is_from_cache: bool
    expires_at: float
    renew_at: float


def accept_token(
    issued: IssuedToken, config: UploaderConfig, required: Sequence[str], *, is_from_cache: bool
) -> AccessToken:
    """The token, if the API can use it. Raises ConfigurationError, or AccessRefused if it lacks a scope."""
    claims = read_unverified_claims(issued.value, config)
    granted = [*split_scopes(claims.get("scope")), *split_scopes(claims.get("scp"))]
    named = make_printable(" ".join(granted) or "none", config.client_secret)
    require_scopes(required, granted, named)
    lifetime = find_lifetime(claims, issued)
    expires_at = issued.issued_at + lifetime
    return AccessToken(
        value=issued.value,
        scopes=named,
        is_from_cache=is_from_cache,
        expires_at=expires_at,
        renew_at=expires_at - min(RENEWAL_SECONDS, lifetime / 10),
    )


def find_lifetime(claims: Mapping[str, object], issued: IssuedToken) -> float:
    """The seconds from `issued_at` to the end of the token; 0 if neither the claims nor the answer say.

    `exp` is compared with `iat`, so the issuer's clock need not agree with this machine's.
    """
    exp, iat = claims.get("exp"), claims.get("iat", issued.issued_at)
    by_claims = exp - iat if is_number(exp) and is_number(iat) else None
    return max(0.0, min(filter(is_number, (by_claims, issued.expires_in)), default=0.0))


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether it is a number of seconds that is safe to calculate with, so neither NaN nor huge."""
    return type(value) in (int, float) and abs(value) < MAX_SECONDS  # type: ignore[arg-type]


def read_unverified_claims(token: str, config: UploaderConfig) -> Mapping[str, object]:
    """The claims of a token for the API. Raises ConfigurationError."""
    parts = JWT.fullmatch(token)
    try:
        claims = parse_object(base64.urlsafe_b64decode(f"{parts[1]}==")) if parts else None
    except ValueError:
        claims = None
    audience = "no API" if claims is None else claims.get("aud") or "no API"
    audiences = audience if isinstance(audience, list) else [audience]
    if claims is None or config.audience not in audiences:
        named = make_printable(", ".join(map(str, audiences)), config.client_secret)
        problem = "that is not a JWT" if claims is None else f"for {named}, not for {config.audience}"
        raise ConfigurationError(
            f"the issuer returned a token {problem}; check that AUTH0_AUDIENCE is the API's identifier at "
            "the issuer, and that OAUTH_AUDIENCE_PARAMETER is the issuer's name for the audience"
        )
    return claims


def require_scopes(required: Sequence[str], granted: Sequence[str], named: str) -> None:
    granted = [*granted, *([READ_SCOPE] if READ_ALL_SCOPE in granted else [])]
    if missing := [scope for scope in required if scope not in granted]:
        raise AccessRefused(
            f"the access token lacks the scope {', '.join(missing)} (its scopes: {named}); grant it to this "
            "client at the issuer (Auth0: the API's page, Machine to Machine Applications), "
            "and request it with OAUTH_SCOPE if the issuer requires that"
        )


def split_scopes(claim: object) -> list[str]:
    if isinstance(claim, str):
        return claim.split()
    return [scope for scope in claim if isinstance(scope, str)] if isinstance(claim, list) else []
