"""The API's settings as typed values, kept until a setting changes."""

import functools
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.signals import setting_changed

from timesheets.issuers import Issuer
from timesheets.token_rules import Profile, TokenPolicy


@functools.cache
def token_policy() -> TokenPolicy:
    return TokenPolicy(
        issuer=settings.OAUTH["ISSUER"],
        audience=settings.OAUTH["AUDIENCE"],
        algorithms=tuple(settings.OAUTH["ALGORITHMS"]),
        profile=Profile(settings.OAUTH["TOKEN_PROFILE"]),
        scope_claims=tuple(settings.OAUTH["SCOPE_CLAIMS"]),
        leeway_seconds=settings.OAUTH["LEEWAY_SECONDS"],
    )


@functools.cache
def issuer() -> Issuer:
    """The one issuer whose tokens are good."""
    return Issuer(
        url=settings.OAUTH["ISSUER"],
        jwks_url=settings.OAUTH["JWKS_URL"] or None,
        ca_file=settings.OAUTH["CA_FILE"] or None,
    )


def public_url(path: str) -> str:
    """The address that callers reach `path` at, whatever they wrote into the Host header."""
    return f"{settings.TIMESHEETS_PUBLIC_URL.rstrip('/')}{path}"


def time_zone() -> ZoneInfo:
    """The zone whose midnight a date without a time of day means."""
    return ZoneInfo(settings.TIMESHEETS_TIME_ZONE)


def _forget(*, setting: str, **_: Any) -> None:
    """Settings change in tests only."""
    if setting == "OAUTH":
        token_policy.cache_clear()
        issuer.cache_clear()


setting_changed.connect(_forget)
