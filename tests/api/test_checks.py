"""The system checks refuse each bad value."""

from typing import Any

import pytest

from timesheets.checks import check_settings


def find_ids() -> list[str | None]:
    return [message.id for message in check_settings()]


@pytest.mark.parametrize("changes", [{}, {"JWKS_URL": ""}], ids=["as-they-are", "without-the-keys-address"])
def test_good_settings_pass(settings: Any, changes: dict[str, str]) -> None:
    settings.OAUTH = {**settings.OAUTH, **changes}

    assert find_ids() == []


NO_TENANTS = ["https://a.auth0.com", "a.auth0.com/", "a.auth0.com:443", "a.auth0.com ", "a", "u@a.auth0.com"]


@pytest.mark.parametrize("domain", NO_TENANTS)
def test_a_tenant_must_be_a_bare_domain(settings: Any, domain: str) -> None:
    settings.OAUTH = {
        **settings.OAUTH,
        "AUTH0_DOMAIN": domain,
        "ISSUER": f"https://{domain}/",
        "JWKS_URL": f"https://{domain}/.well-known/jwks.json",
    }

    assert find_ids() == ["timesheets.E001"]


NO_TLS = "http://issuer.example/ http://127.0.0.1.example/ ftp://127.0.0.1/ file:///keys.json issuer.example"


@pytest.mark.parametrize("name", ["ISSUER", "JWKS_URL"])
@pytest.mark.parametrize("url", NO_TLS.split())
def test_an_issuer_must_use_tls_except_on_loopback(settings: Any, name: str, url: str) -> None:
    # Without an address of its own for keys, an issuer is reported once.
    settings.OAUTH = {**settings.OAUTH, "JWKS_URL": "", name: url}

    [message] = check_settings()

    assert (message.id, message.msg.split(" ")[0]) == ("timesheets.E002", f"OAUTH_{name}")


TWO = {"AUTH0_DOMAIN": "example.eu.auth0.com", "ISSUER": "https://issuer.example/"}
# The end of the check's id, the setting and its bad values.
WEAK: list[tuple[str, str, list[Any]]] = [
    ("03", "AUDIENCE", [""]),
    ("07", "ALGORITHMS", [["HS256"], ["RS256", "none"], ["rs256"], []]),
    ("08", "TOKEN_PROFILE", ["okta"]),
    ("09", "LEEWAY_SECONDS", [301, -1, float("nan")]),
    ("10", "SCOPE_CLAIMS", [["scope", "roles"], []]),
    ("11", "CA_FILE", ["/nowhere/ca.pem", __file__]),
    ("16", "WEB_CLIENT_ID", ["pages"]),
    ("16", "WEB_CLIENT_SECRET", ["secret"]),
    *(
        ("13", name, [["http://old.example.com/"], ["old.example.com"], ["https://a.example/"] * 2])
        for name in ("ALSO_ISSUERS", "FORMER_ISSUERS")
    ),
]


@pytest.mark.parametrize(
    ("changes", "number"),
    [(TWO, "06"), *(({name: value}, number) for number, name, values in WEAK for value in values)],
)
def test_settings_that_weaken_trust_fail(settings: Any, changes: dict[str, Any], number: str) -> None:
    settings.OAUTH = {**settings.OAUTH, **changes}

    assert find_ids() == [f"timesheets.E0{number}"]


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({"AUDIENCE_PARAMETER": "aud"}, ["timesheets.E017"]),
        ({"CLIENT_AUTH": "private_key_jwt"}, ["timesheets.E017"]),
        ({"AUDIENCE_PARAMETER": "none", "CLIENT_AUTH": "client_secret_post"}, []),
    ],
)
def test_the_web_client_can_use_its_settings(settings: Any, changes: dict[str, str], ids: list[str]) -> None:
    settings.OAUTH = {**settings.OAUTH, **changes}
    assert find_ids() == []

    settings.OAUTH = {**settings.OAUTH, "WEB_CLIENT_ID": "pages", "WEB_CLIENT_SECRET": "secret"}
    assert find_ids() == ids


@pytest.mark.parametrize(
    ("name", "value", "check_id"),
    [
        *(("TIMESHEETS_TIME_ZONE", zone, "E004") for zone in ("Mars/Base", "../../etc/passwd", "/etc", "")),
        *(("TIMESHEETS_THROTTLE", rate, "E012") for rate in ("600", "0/min", "600/month", "many/min")),
        ("TIMESHEETS_ASSIGNMENTS", "Required", "E014"),
        *(("TIMESHEETS_MAX_AGE_DAYS", days, "E015") for days in (-1, 10**6)),
        ("TIMESHEETS_MAX_AHEAD_DAYS", -1, "E015"),
        ("TIMESHEETS_PUBLIC_URL", "http://timesheets.example.com", "E002"),
    ],
)
def test_a_setting_of_no_zone_rate_or_url_with_tls_is_refused(
    settings: Any, name: str, value: object, check_id: str
) -> None:
    setattr(settings, name, value)

    assert find_ids() == [f"timesheets.{check_id}"]


def test_other_databases_are_refused(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.mysql")

    assert find_ids() == ["timesheets.E005"]
