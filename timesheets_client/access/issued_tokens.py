"""Refuse a token that the API could not use, as far as its holder can see. Verifies no signature."""

import base64
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

from timesheets_client.environment.config import UploaderConfig
from timesheets_client.errors import AccessRefused, ConfigurationError
from timesheets_client.network.messages import make_printable

REQUIRED_SCOPE = "batch:upload"
JWT = re.compile(r"[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")
# A token is renewed when less than this is left of it, or less than a tenth of its life.
SECONDS_LEFT_AT_MOST = 300
# What is more is no time.
SECONDS_BELOW = 1e18

CHECK_AUDIENCE = (
    "check that AUTH0_AUDIENCE is the API's identifier at the issuer, "
    "and OAUTH_AUDIENCE_PARAMETER what the issuer calls it"
)


@dataclass(frozen=True, kw_only=True)
class IssuedToken:
    """What an issuer gave, when, and for how long it said; nothing of it is judged yet."""

    value: str = field(repr=False)
    # Seconds since 1970, by this machine's clock.
    issued_at: float
    expires_in: float | None


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    """A token for our audience with the scope to upload, as far as its holder can see."""

    value: str = field(repr=False)
    # On one line and safe to print, since they are read from what the issuer sent.
    scopes: str
    is_from_cache: bool
    # Seconds since 1970, by this machine's clock.
    expires_at: float
    # From then on a new one is better.
    renew_at: float = math.inf
    # The nearer of `exp`, by the issuer's clock, and the end by `expires_in`; None if it says neither.
    stated_end: float | None = None


def accept_token(issued: IssuedToken, config: UploaderConfig, *, is_from_cache: bool) -> AccessToken:
    """The token, if it is one for us. Raises ConfigurationError or AccessRefused."""
    claims = read_unverified_claims(issued.value)
    require_audience(claims, config)
    life = measure_life(claims, issued)
    expires_at = issued.issued_at + life
    return AccessToken(
        value=issued.value,
        scopes=require_scope(claims, config),
        is_from_cache=is_from_cache,
        expires_at=expires_at,
        renew_at=expires_at - min(SECONDS_LEFT_AT_MOST, life / 10),
        stated_end=find_stated_end(claims, issued),
    )


def measure_life(claims: Mapping[str, object], issued: IssuedToken) -> float:
    """The seconds for which the token is good from its purchase on; 0 if nothing tells.

    The nearer of what the claims and what the issuer's answer say. Claims are compared with each other,
    so that it doesn't matter whether the clocks agree.
    """
    exp, iat = claims.get("exp"), claims.get("iat", issued.issued_at)
    by_claims = exp - iat if is_number(exp) and is_number(iat) else None
    lives = [life for life in (by_claims, issued.expires_in) if life is not None]
    return max(0.0, min(lives, default=0.0))


def find_stated_end(claims: Mapping[str, object], issued: IssuedToken) -> float | None:
    exp = claims.get("exp")
    by_answer = None if issued.expires_in is None else issued.issued_at + issued.expires_in
    return min((end for end in (exp, by_answer) if is_number(end)), default=None)


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether it is a number of seconds to calculate with: neither NaN nor beyond all floats."""
    is_numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return is_numeric and abs(value) < SECONDS_BELOW  # type: ignore[arg-type]


def read_unverified_claims(token: str) -> Mapping[str, object]:
    parts = JWT.fullmatch(token)
    try:
        claims = json.loads(base64.urlsafe_b64decode(f"{parts[1]}==")) if parts else None
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise ConfigurationError(
            f"the issuer gave a token that is not a JWT, so it is not for the API; {CHECK_AUDIENCE}"
        )
    return claims


def require_audience(claims: Mapping[str, object], config: UploaderConfig) -> None:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience or "no API"]
    if config.audience not in audiences:
        named = make_printable(", ".join(map(str, audiences)), config.client_secret)
        raise ConfigurationError(
            f"the issuer gave a token for {named}, not for {config.audience}; {CHECK_AUDIENCE}"
        )


def require_scope(claims: Mapping[str, object], config: UploaderConfig) -> str:
    scopes = [*split_scopes(claims.get("scope")), *split_scopes(claims.get("scp"))]
    named = make_printable(" ".join(scopes) or "none", config.client_secret)
    if REQUIRED_SCOPE not in scopes:
        raise AccessRefused(
            f"the access token lacks the scope {REQUIRED_SCOPE}, its scopes: {named}; grant it to this "
            "client at the issuer (Auth0: the API's page, Machine to Machine Applications), "
            "and ask for it with OAUTH_SCOPE if the issuer wants to be asked"
        )
    return named


def split_scopes(claim: object) -> list[str]:
    if isinstance(claim, str):
        return claim.split()
    return [scope for scope in claim if isinstance(scope, str)] if isinstance(claim, list) else []
