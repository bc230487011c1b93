"""The system checks refuse each bad value."""

from typing import Any

import pytest
from django.core.checks import run_checks

from timesheets.checks import check_settings


def find_ids() -> list[str | None]:
    return [message.id for message in check_settings()]


def test_good_settings_pass() -> None:
    assert find_ids() == []


def test_the_checks_are_registered(settings: Any) -> None:
    settings.OAUTH = {**settings.OAUTH, "AUDIENCE": ""}

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
def test_a_tenant_must_be_a_bare_domain(settings: Any, domain: str) -> None:
    settings.OAUTH = {
        **settings.OAUTH,
        "AUTH0_DOMAIN": domain,
        "ISSUER": f"https://{domain}/",
        "JWKS_URL": f"https://{domain}/.well-known/jwks.json",
    }

    assert find_ids() == ["timesheets.E001"]


@pytest.mark.parametrize("name", ["ISSUER", "JWKS_URL"])
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
def test_an_issuer_must_use_tls_except_on_loopback(settings: Any, name: str, url: str) -> None:
    settings.OAUTH = {**settings.OAUTH, name: url}

    [message] = check_settings()

    assert (message.id, message.msg.split(" ")[0]) == ("timesheets.E002", f"OAUTH_{name}")


def test_an_issuer_without_tls_is_reported_once(settings: Any) -> None:
    settings.OAUTH = {**settings.OAUTH, "ISSUER": "http://issuer.example/", "JWKS_URL": ""}

    [message] = check_settings()

    assert (message.id, message.msg.split(" ")[0]) == ("timesheets.E002", "OAUTH_ISSUER")


def test_the_address_of_the_keys_is_optional(settings: Any) -> None:
    settings.OAUTH = {**settings.OAUTH, "JWKS_URL": ""}

    assert find_ids() == []


def test_the_public_url_must_use_tls(settings: Any) -> None:
    settings.TIMESHEETS_PUBLIC_URL = "http://timesheets.example.com"

    assert find_ids() == ["timesheets.E002"]


@pytest.mark.parametrize(
    ("changes", "check_id"),
    [
        pytest.param(
            {"AUTH0_DOMAIN": "example.eu.auth0.com", "ISSUER": "https://issuer.example/"},
            "timesheets.E006",
            id="two-issuers",
        ),
        pytest.param({"AUDIENCE": ""}, "timesheets.E003", id="no-audience"),
        pytest.param({"ALGORITHMS": ["HS256"]}, "timesheets.E007", id="shared-secret"),
        pytest.param({"ALGORITHMS": ["RS256", "none"]}, "timesheets.E007", id="no-signature"),
        pytest.param({"ALGORITHMS": ["rs256"]}, "timesheets.E007", id="no-algorithm"),
        pytest.param({"ALGORITHMS": []}, "timesheets.E007", id="empty-algorithms"),
        pytest.param({"TOKEN_PROFILE": "okta"}, "timesheets.E008", id="profile"),
        pytest.param({"LEEWAY_SECONDS": 301}, "timesheets.E009", id="long-leeway"),
        pytest.param({"LEEWAY_SECONDS": -1}, "timesheets.E009", id="negative-leeway"),
        pytest.param({"LEEWAY_SECONDS": float("nan")}, "timesheets.E009", id="leeway-nan"),
        pytest.param({"SCOPE_CLAIMS": ["scope", "roles"]}, "timesheets.E010", id="scope-claim"),
        pytest.param({"SCOPE_CLAIMS": []}, "timesheets.E010", id="no-scope-claim"),
        pytest.param({"CA_FILE": "/nowhere/ca.pem"}, "timesheets.E011", id="no-ca-file"),
        pytest.param({"CA_FILE": __file__}, "timesheets.E011", id="ca-file-without-certificates"),
    ],
)
def test_settings_that_weaken_trust_fail(settings: Any, changes: dict[str, Any], check_id: str) -> None:
    settings.OAUTH = {**settings.OAUTH, **changes}

    assert find_ids() == [check_id]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "/etc/passwd", ""])
def test_a_time_zone_must_be_in_the_iana_database(settings: Any, zone: str) -> None:
    settings.TIMESHEETS_TIME_ZONE = zone

    assert find_ids() == ["timesheets.E004"]


def test_other_databases_are_refused(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.mysql")

    assert find_ids() == ["timesheets.E005"]


@pytest.mark.parametrize("rate", ["600", "0/min", "600/month", "many/min"])
def test_a_throttle_must_be_a_rate(settings: Any, rate: str) -> None:
    settings.TIMESHEETS_THROTTLE = rate

    assert find_ids() == ["timesheets.E012"]
