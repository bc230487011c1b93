"""The API's settings as typed values, read when called."""

from zoneinfo import ZoneInfo

from django.conf import settings

from timesheets.access_tokens import TokenPolicy


def token_policy() -> TokenPolicy:
    return TokenPolicy(issuer=settings.OAUTH_ISSUER, audience=settings.OAUTH_AUDIENCE)


def jwks_url() -> str:
    return str(settings.OAUTH_JWKS_URL)


def time_zone() -> ZoneInfo:
    """The zone whose midnight a date without a time of day means."""
    return ZoneInfo(settings.TIMESHEETS_TIME_ZONE)
