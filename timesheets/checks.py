"""Refuse settings that cannot work, or that weaken the API, before the first request."""

import re
import ssl
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from timesheets.storage.assignments import REQUIRED
from timesheets.storage.rate_limits import parse_rate
from timesheets.trust.access_tokens import SCOPE_CLAIMS
from timesheets.trust.issuer_documents import is_trustworthy
from timesheets.trust.jwk_sets import ASYMMETRIC_ALGORITHMS
from timesheets.trust.sign_ins import AUTH_METHODS
from timesheets.trust.token_rules import MAX_LEEWAY_SECONDS, Profile

_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII)
# A hundred years.
MAX_WINDOW_DAYS = 36_525
AUDIENCE_PARAMETERS = ("audience", "resource", "none")
_ENGINES = frozenset({"django.db.backends.sqlite3", "django.db.backends.postgresql"})


@register
def check_settings(**_: Any) -> list[CheckMessage]:
    checks = (
        _check_issuer,
        _check_addresses,
        _check_other_issuers,
        _check_audience,
        _check_algorithms,
        _check_token_rules,
        _check_ca_file,
        _check_time_zone,
        _check_database,
        _check_throttle,
        _check_gate,
        _check_web_client,
    )
    return [message for check in checks for message in check()]


def _check_issuer() -> Iterator[CheckMessage]:
    domain = settings.OAUTH["AUTH0_DOMAIN"]
    if domain and not _DOMAIN.fullmatch(domain):
        yield Error(
            "AUTH0_DOMAIN is not a bare domain.",
            hint="Write it without scheme, slash or port, such as example.eu.auth0.com.",
            id="timesheets.E001",
        )
    if domain and settings.OAUTH["ISSUER"] != f"https://{domain}/":
        yield Error(
            "AUTH0_DOMAIN and OAUTH_ISSUER are both set, but the API trusts only one issuer.",
            hint="Set AUTH0_DOMAIN for an Auth0 tenant, or OAUTH_ISSUER for any other issuer.",
            id="timesheets.E006",
        )


def _check_addresses() -> Iterator[CheckMessage]:
    domain, jwks_url = settings.OAUTH["AUTH0_DOMAIN"], settings.OAUTH["JWKS_URL"]
    addresses = {
        "OAUTH_ISSUER": settings.OAUTH["ISSUER"],
        # Without it, the address of the keys comes from the issuer's metadata.
        **({"OAUTH_JWKS_URL": jwks_url} if jwks_url else {}),
        "TIMESHEETS_PUBLIC_URL": settings.TIMESHEETS_PUBLIC_URL,
    }
    for name, url in addresses.items():
        # Check E001 covers an address that comes from AUTH0_DOMAIN.
        comes_from_domain = bool(domain) and url.startswith(f"https://{domain}/")
        if not comes_from_domain and not is_trustworthy(url):
            yield Error(
                f"{name} is not an https address, so anybody on the network path could change responses.",
                hint="Use https. Only a loopback address may use http.",
                id="timesheets.E002",
            )


def _check_other_issuers() -> Iterator[CheckMessage]:
    names = {"OAUTH_ALSO_ISSUERS": "ALSO_ISSUERS", "OAUTH_FORMER_ISSUERS": "FORMER_ISSUERS"}
    known = [settings.OAUTH["ISSUER"]]
    for variable, name in names.items():
        for url in settings.OAUTH[name]:
            if not is_trustworthy(url) or url in known:
                yield Error(
                    f"{variable} has {url!r}, which is no https address or is named more than once.",
                    hint="Write issuers exactly as their tokens name them, separated by commas, each once.",
                    id="timesheets.E013",
                )
            known.append(url)


def _check_audience() -> Iterator[CheckMessage]:
    if not settings.OAUTH["AUDIENCE"]:
        yield Error(
            "AUTH0_AUDIENCE is not set, so this API would accept tokens for another API.",
            hint="Set it to the API's identifier at the issuer.",
            id="timesheets.E003",
        )


def _check_algorithms() -> Iterator[CheckMessage]:
    algorithms = settings.OAUTH["ALGORITHMS"]
    unsafe = [name for name in algorithms if name not in ASYMMETRIC_ALGORITHMS]
    if unsafe or not algorithms:
        yield Error(
            f"OAUTH_ALGORITHMS names {', '.join(unsafe) or 'no algorithm'}. Only asymmetric ones are safe.",
            hint=f"Use the issuer's algorithm, one of {', '.join(sorted(ASYMMETRIC_ALGORITHMS))}.",
            id="timesheets.E007",
        )


def _check_token_rules() -> Iterator[CheckMessage]:
    if settings.OAUTH["TOKEN_PROFILE"] not in set(Profile):
        yield Error(
            "OAUTH_TOKEN_PROFILE is not a known profile.",
            hint=f"Use one of {', '.join(Profile)}.",
            id="timesheets.E008",
        )
    if not 0 <= settings.OAUTH["LEEWAY_SECONDS"] <= MAX_LEEWAY_SECONDS:
        yield Error(
            f"OAUTH_LEEWAY_SECONDS is not between 0 and {MAX_LEEWAY_SECONDS}.",
            hint="Keep 30, and synchronize the clocks with NTP.",
            id="timesheets.E009",
        )
    if not settings.OAUTH["SCOPE_CLAIMS"] or not set(settings.OAUTH["SCOPE_CLAIMS"]) <= SCOPE_CLAIMS:
        yield Error(
            "OAUTH_SCOPE_CLAIMS is empty or names a claim that holds no scopes.",
            hint=f"Use one or more of {', '.join(sorted(SCOPE_CLAIMS))}.",
            id="timesheets.E010",
        )


def _check_ca_file() -> Iterator[CheckMessage]:
    if not settings.OAUTH["CA_FILE"]:
        return
    try:
        ssl.create_default_context(cafile=settings.OAUTH["CA_FILE"])
    except (OSError, ValueError):
        yield Error(
            "OAUTH_CA_FILE is not a readable file with PEM certificates.",
            hint="Name a file with the certificate of the CA that signed the issuer's certificate.",
            id="timesheets.E011",
        )


def _check_time_zone() -> Iterator[CheckMessage]:
    try:
        ZoneInfo(settings.TIMESHEETS_TIME_ZONE)
    except (KeyError, ValueError, OSError):
        yield Error(
            "TIMESHEETS_TIME_ZONE is not a known time zone.",
            hint="Use an IANA name, such as UTC or Europe/Berlin.",
            id="timesheets.E004",
        )


def _check_database() -> Iterator[CheckMessage]:
    if settings.DATABASES["default"]["ENGINE"] not in _ENGINES:
        yield Error(
            "DATABASE_URL is not the address of a SQLite or PostgreSQL database.",
            hint="Use postgres://user:password@host/name.",
            id="timesheets.E005",
        )


def _check_throttle() -> Iterator[CheckMessage]:
    try:
        parse_rate(settings.TIMESHEETS_THROTTLE or "1/s")
    except ValueError:
        yield Error(
            "TIMESHEETS_THROTTLE is not a rate.",
            hint="Write a number and one of s, min, hour and day, such as 600/min. Remove it for no limit.",
            id="timesheets.E012",
        )


def _check_gate() -> Iterator[CheckMessage]:
    if settings.TIMESHEETS_ASSIGNMENTS not in ("", REQUIRED):
        yield Error(
            f"TIMESHEETS_ASSIGNMENTS is {settings.TIMESHEETS_ASSIGNMENTS!r}.",
            hint="Write required, or leave it out: clients without a list may then upload everything.",
            id="timesheets.E014",
        )
    for name in ("TIMESHEETS_MAX_AGE_DAYS", "TIMESHEETS_MAX_AHEAD_DAYS"):
        days = getattr(settings, name)
        if days is not None and not 0 <= days <= MAX_WINDOW_DAYS:
            yield Error(
                f"{name} is not between 0 and {MAX_WINDOW_DAYS}.",
                hint="Write a number of days; 0 means today only. Remove it for no limit.",
                id="timesheets.E015",
            )


def _check_web_client() -> Iterator[CheckMessage]:
    oauth = settings.OAUTH
    if bool(oauth["WEB_CLIENT_ID"]) != bool(oauth["WEB_CLIENT_SECRET"]):
        yield Error(
            "Only one of OAUTH_WEB_CLIENT_ID and OAUTH_WEB_CLIENT_SECRET is set.",
            hint="Set both, so that people sign in at the issuer, or none, so that they paste a token.",
            id="timesheets.E016",
        )
    choices = {
        "OAUTH_AUDIENCE_PARAMETER": (oauth["AUDIENCE_PARAMETER"], AUDIENCE_PARAMETERS),
        "OAUTH_CLIENT_AUTH": (oauth["CLIENT_AUTH"] or AUTH_METHODS[0], AUTH_METHODS),
    }
    for name, (choice, possible) in choices.items():
        if oauth["WEB_CLIENT_ID"] and choice not in possible:
            yield Error(
                f"{name} is {choice!r}, which the web client cannot use.",
                hint=f"Use one of {', '.join(possible)}.",
                id="timesheets.E017",
            )
