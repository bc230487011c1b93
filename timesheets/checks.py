"""Refuse settings that cannot work, or that weaken the API, before the first request."""

import re
import ssl
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from timesheets.storage.assignments import REQUIRED
from timesheets.storage.rate_limits import parse_rate
from timesheets.trust.access_tokens import SCOPE_CLAIMS
from timesheets.trust.issuer_documents import is_trustworthy
from timesheets.trust.issuers import AUTH_METHODS
from timesheets.trust.jwk_sets import ASYMMETRIC_ALGORITHMS
from timesheets.trust.token_rules import MAX_LEEWAY_SECONDS, Profile

_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII)
# A hundred years.
MAX_WINDOW_DAYS = 36_525
AUDIENCE_PARAMETERS = ("audience", "resource", "none")
_ENGINES = frozenset({"django.db.backends.sqlite3", "django.db.backends.postgresql"})
# By the id of a check, what to do about it.
_HINTS = {
    "E001": "Write it without scheme, slash or port, such as example.eu.auth0.com.",
    "E002": "Use https. Only a loopback address may use http.",
    "E003": "Set it to the API's identifier at the issuer.",
    "E004": "Use an IANA name, such as UTC or Europe/Berlin.",
    "E005": "Use postgres://user:password@host/name.",
    "E006": "Set AUTH0_DOMAIN for an Auth0 tenant, or OAUTH_ISSUER for any other issuer.",
    "E007": f"Use the issuer's algorithm, one of {', '.join(sorted(ASYMMETRIC_ALGORITHMS))}.",
    "E008": f"Use one of {', '.join(Profile)}.",
    "E009": "Keep 30, and synchronize the clocks with NTP.",
    "E010": f"Use one or more of {', '.join(sorted(SCOPE_CLAIMS))}.",
    "E011": "Name a file with the certificate of the CA that signed the issuer's certificate.",
    "E012": "Write a number and one of s, min, hour and day, such as 600/min. Remove it for no limit.",
    "E013": "Write issuers exactly as their tokens name them, separated by commas, each once.",
    "E014": "Write required, or leave it out: clients without a list may then upload everything.",
    "E015": "Write a number of days; 0 means today only. Remove it for no limit.",
    "E016": "Set both, so that people sign in at the issuer, or none, so that they paste a token.",
    "E017": f"Use {', '.join(AUDIENCE_PARAMETERS)}; and {' or '.join(AUTH_METHODS)}, or leave it out.",
}

# The id of a check, and what is wrong.
Fault = tuple[str, str]


@register
def check_settings(**_: Any) -> list[CheckMessage]:
    faults = (*_judge_addresses(), *_judge_token_rules(), *_judge_storage(), *_judge_web_client())
    return [Error(text, hint=_HINTS[number], id=f"timesheets.{number}") for number, text in faults]


def _judge_addresses() -> Iterator[Fault]:
    oauth = settings.OAUTH
    domain, issuer = oauth["AUTH0_DOMAIN"], oauth["ISSUER"]
    if domain and not _DOMAIN.fullmatch(domain):
        yield "E001", "AUTH0_DOMAIN is not a bare domain."
    if domain and issuer != f"https://{domain}/":
        yield "E006", "AUTH0_DOMAIN and OAUTH_ISSUER are both set, but the API trusts only one issuer."
    addresses = {
        "OAUTH_ISSUER": issuer,
        # Without it, the address of the keys comes from the issuer's metadata.
        **({"OAUTH_JWKS_URL": oauth["JWKS_URL"]} if oauth["JWKS_URL"] else {}),
        "TIMESHEETS_PUBLIC_URL": settings.TIMESHEETS_PUBLIC_URL,
    }
    for name, url in addresses.items():
        # Check E001 covers an address that comes from AUTH0_DOMAIN.
        comes_from_domain = bool(domain) and url.startswith(f"https://{domain}/")
        if not comes_from_domain and not is_trustworthy(url):
            effect = "so an attacker on the network path could change responses."
            yield "E002", f"{name} is not an https address, {effect}"
    known = [issuer]
    for name in ("ALSO_ISSUERS", "FORMER_ISSUERS"):
        for url in oauth[name]:
            if not is_trustworthy(url) or url in known:
                text = f"OAUTH_{name} has {url!r}, which is no https address or is named more than once."
                yield "E013", text
            known.append(url)


def _judge_token_rules() -> Iterator[Fault]:
    oauth = settings.OAUTH
    if not oauth["AUDIENCE"]:
        yield "E003", "AUTH0_AUDIENCE is not set, so this API would accept tokens for another API."
    unsafe = [name for name in oauth["ALGORITHMS"] if name not in ASYMMETRIC_ALGORITHMS]
    if unsafe or not oauth["ALGORITHMS"]:
        names = ", ".join(unsafe) or "no algorithm"
        yield "E007", f"OAUTH_ALGORITHMS names {names}. Only asymmetric ones are safe."
    if oauth["TOKEN_PROFILE"] not in set(Profile):
        yield "E008", "OAUTH_TOKEN_PROFILE is not a known profile."
    if not 0 <= oauth["LEEWAY_SECONDS"] <= MAX_LEEWAY_SECONDS:
        yield "E009", f"OAUTH_LEEWAY_SECONDS is not between 0 and {MAX_LEEWAY_SECONDS}."
    if not oauth["SCOPE_CLAIMS"] or not set(oauth["SCOPE_CLAIMS"]) <= SCOPE_CLAIMS:
        yield "E010", "OAUTH_SCOPE_CLAIMS is empty or names a claim that holds no scopes."
    if oauth["CA_FILE"] and _fails(lambda: ssl.create_default_context(cafile=oauth["CA_FILE"])):
        yield "E011", "OAUTH_CA_FILE is not a readable file with PEM certificates."


def _judge_storage() -> Iterator[Fault]:
    if _fails(lambda: ZoneInfo(settings.TIMESHEETS_TIME_ZONE)):
        yield "E004", "TIMESHEETS_TIME_ZONE is not a known time zone."
    if settings.DATABASES["default"]["ENGINE"] not in _ENGINES:
        yield "E005", "DATABASE_URL is not the address of a SQLite or PostgreSQL database."
    if _fails(lambda: parse_rate(settings.TIMESHEETS_THROTTLE or "1/s")):
        yield "E012", "TIMESHEETS_THROTTLE is not a rate."
    if settings.TIMESHEETS_ASSIGNMENTS not in ("", REQUIRED):
        yield "E014", f"TIMESHEETS_ASSIGNMENTS is {settings.TIMESHEETS_ASSIGNMENTS!r}."
    for name in ("TIMESHEETS_MAX_AGE_DAYS", "TIMESHEETS_MAX_AHEAD_DAYS"):
        days = getattr(settings, name)
        if days is not None and not 0 <= days <= MAX_WINDOW_DAYS:
            yield "E015", f"{name} is not between 0 and {MAX_WINDOW_DAYS}."


def _judge_web_client() -> Iterator[Fault]:
    oauth = settings.OAUTH
    if bool(oauth["WEB_CLIENT_ID"]) != bool(oauth["WEB_CLIENT_SECRET"]):
        yield "E016", "Only one of OAUTH_WEB_CLIENT_ID and OAUTH_WEB_CLIENT_SECRET is set."
    choices = {"AUDIENCE_PARAMETER": AUDIENCE_PARAMETERS, "CLIENT_AUTH": ("", *AUTH_METHODS)}
    for name, possible in choices.items():
        if oauth["WEB_CLIENT_ID"] and oauth[name] not in possible:
            yield "E017", f"OAUTH_{name} is {oauth[name]!r}, which the web client cannot use."


def _fails(read: Callable[[], object]) -> bool:
    try:
        read()
    except (OSError, ValueError, KeyError):
        return True
    return False
