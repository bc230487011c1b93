"""The API's settings as typed values."""

import functools
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.signals import setting_changed

from timesheets.storage.rate_limits import Rate, parse_rate
from timesheets.trust.issuers import Issuer, WebClient
from timesheets.trust.token_rules import Profile, TokenPolicy

# Where the issuer sends people back after they have signed in there.
CALLBACK_PATH = "/sign-in/callback"


@functools.cache
def token_policy() -> TokenPolicy:
    return TokenPolicy(
        issuer=settings.OAUTH["ISSUER"],
        audience=settings.OAUTH["AUDIENCE"],
        also_issuers=tuple(settings.OAUTH["ALSO_ISSUERS"]),
        algorithms=tuple(settings.OAUTH["ALGORITHMS"]),
        profile=Profile(settings.OAUTH["TOKEN_PROFILE"]),
        scope_claims=tuple(settings.OAUTH["SCOPE_CLAIMS"]),
        leeway_seconds=settings.OAUTH["LEEWAY_SECONDS"],
        web_client_id=settings.OAUTH["WEB_CLIENT_ID"] or None,
    )


@functools.cache
def issuer() -> Issuer:
    """The only issuer whose tokens the API accepts."""
    return Issuer(
        url=settings.OAUTH["ISSUER"],
        jwks_url=settings.OAUTH["JWKS_URL"] or None,
        ca_file=settings.OAUTH["CA_FILE"] or None,
    )


def public_url(path: str) -> str:
    """The public address of `path`, which never depends on the Host header."""
    return f"{settings.TIMESHEETS_PUBLIC_URL.rstrip('/')}{path}"


@functools.cache
def time_zone() -> ZoneInfo:
    """The zone in which a date without a time means midnight."""
    return ZoneInfo(settings.TIMESHEETS_TIME_ZONE)


def lets_browsers_sign_in() -> bool:
    """Whether people may use the API in a browser, with a session instead of a header."""
    return bool(settings.TIMESHEETS_BROWSER_SIGN_IN)


@functools.cache
def web_client() -> WebClient | None:
    """The client through which people sign in; None if they paste a token."""
    oauth = settings.OAUTH
    if not oauth["WEB_CLIENT_ID"]:
        return None
    parameter = oauth["AUDIENCE_PARAMETER"]
    return WebClient(
        client_id=oauth["WEB_CLIENT_ID"],
        secret=oauth["WEB_CLIENT_SECRET"],
        redirect_uri=public_url(CALLBACK_PATH),
        audience={} if parameter == "none" else {parameter: oauth["AUDIENCE"]},
        scopes=tuple(oauth["WEB_SCOPES"]),
        auth=oauth["CLIENT_AUTH"],
    )


@functools.cache
def client_rate() -> Rate:
    """Return the rate at which a client may send requests. Used only if TIMESHEETS_THROTTLE is set."""
    return parse_rate(settings.TIMESHEETS_THROTTLE)


def _clear_caches(**_: Any) -> None:
    # Settings change only in tests.
    for function in (token_policy, issuer, web_client, time_zone, client_rate):
        function.cache_clear()


setting_changed.connect(_clear_caches)
