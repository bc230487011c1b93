"""Configuration that would not work, or would weaken the API, refused before the first request."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_ENGINES = frozenset({"django.db.backends.sqlite3", "django.db.backends.postgresql"})


@register
def check_settings(**_: Any) -> list[CheckMessage]:
    return [*_check_issuer(), *_check_audience(), *_check_time_zone(), *_check_database()]


def _check_issuer() -> Iterator[CheckMessage]:
    domain = getattr(settings, "AUTH0_DOMAIN", "")
    if domain and not _DOMAIN.fullmatch(domain):
        yield Error(
            "AUTH0_DOMAIN is not the bare domain of a tenant.",
            hint="Write it without scheme, slash and port, such as example.eu.auth0.com.",
            id="timesheets.E001",
        )
    for name in ("OAUTH_ISSUER", "OAUTH_JWKS_URL"):
        url = urlsplit(getattr(settings, name))
        if url.scheme != "https" and not (url.scheme == "http" and url.hostname in _LOOPBACK):
            yield Error(
                f"{name} is not an https address, so anybody on the way could put in keys of their own.",
                hint="Use https; http serves on loopback only.",
                id="timesheets.E002",
            )


def _check_audience() -> Iterator[CheckMessage]:
    if not settings.OAUTH_AUDIENCE:
        yield Error(
            "AUTH0_AUDIENCE is not set, so a token for another API would be as good as one for this.",
            hint="Set it to the identifier that the API has at the issuer.",
            id="timesheets.E003",
        )


def _check_time_zone() -> Iterator[CheckMessage]:
    try:
        ZoneInfo(settings.TIMESHEETS_TIME_ZONE)
    except (KeyError, ValueError, OSError):
        yield Error(
            "TIMESHEETS_TIME_ZONE is not the name of a time zone.",
            hint="Use a name of the IANA database, such as UTC or Europe/Berlin.",
            id="timesheets.E004",
        )


def _check_database() -> Iterator[CheckMessage]:
    if settings.DATABASES["default"]["ENGINE"] not in _ENGINES:
        yield Error(
            "DATABASE_URL is neither SQLite nor PostgreSQL; on others nobody has seen entries stored once.",
            hint="Use postgres://user:password@host/name.",
            id="timesheets.E005",
        )
