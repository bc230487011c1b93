"""The system checks: one test for each bad value."""

from typing import Any

import pytest
from django.core.checks import run_checks

from timesheets.checks import check_settings


def find_ids() -> list[str | None]:
    return [message.id for message in check_settings()]


def test_good_settings_pass() -> None:
    assert find_ids() == []


def test_the_checks_are_registered(settings: Any) -> None:
    settings.OAUTH_AUDIENCE = ""

    assert "timesheets.E003" in [message.id for message in run_checks()]


@pytest.mark.parametrize(
    "domain",
    [
        pytest.param("https://example.eu.auth0.com", id="scheme"),
        pytest.param("example.eu.auth0.com/", id="slash"),
        pytest.param("example.eu.auth0.com:8443", id="port"),
        pytest.param("example.eu.auth0.com ", id="blank"),
        pytest.param("example", id="one-label"),
        pytest.param("user@example.eu.auth0.com", id="user"),
    ],
)
def test_a_tenant_is_a_bare_domain(settings: Any, domain: str) -> None:
    settings.AUTH0_DOMAIN = domain

    assert find_ids() == ["timesheets.E001"]


@pytest.mark.parametrize("name", ["OAUTH_ISSUER", "OAUTH_JWKS_URL"])
@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://issuer.example/", id="http"),
        pytest.param("http://127.0.0.1.example/", id="nearly-loopback"),
        pytest.param("ftp://127.0.0.1/", id="ftp"),
        pytest.param("file:///etc/keys.json", id="file"),
        pytest.param("issuer.example", id="no-scheme"),
    ],
)
def test_an_issuer_speaks_tls_except_on_loopback(settings: Any, name: str, url: str) -> None:
    setattr(settings, name, url)

    assert find_ids() == ["timesheets.E002"]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "/etc/passwd", ""])
def test_a_time_zone_is_one_of_the_iana_database(settings: Any, zone: str) -> None:
    settings.TIMESHEETS_TIME_ZONE = zone

    assert find_ids() == ["timesheets.E004"]


def test_other_databases_are_refused(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.mysql")

    assert find_ids() == ["timesheets.E005"]
