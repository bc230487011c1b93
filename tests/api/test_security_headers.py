"""Security headers of every response, and attributes of every cookie."""

from typing import Any

import pytest
from django.test import Client

from tests.kit.django_client import ClientResponse
from tests.kit.issuer import Issuer
from tests.kit.settings import load_production, use_settings

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Permissions-Policy": (
        "camera=(), display-capture=(), geolocation=(), microphone=(), midi=(), payment=(), "
        "publickey-credentials-get=(), usb=()"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        pytest.param("/", {}, 200, id="page"),
        pytest.param("/docs", {}, 200, id="docs"),
        pytest.param("/sign-in", {}, 200, id="form"),
        pytest.param("/.well-known/oauth-protected-resource/timesheets", {}, 200, id="json"),
        pytest.param("/timesheets", {"Authorization": "good"}, 200, id="list"),
        pytest.param("/timesheets", {"Authorization": "good", "Accept": "text/csv"}, 200, id="csv"),
        pytest.param("/static/timesheets/pages.css", {}, 200, id="static"),
        pytest.param("/timesheets", {}, 401, id="problem"),
        pytest.param("/nowhere", {}, 404, id="no-such-address"),
        pytest.param("/nowhere", {"Accept": "text/html"}, 404, id="error-page"),
        pytest.param("/static/nothing", {}, 404, id="no-such-file"),
        pytest.param("/sign-out", {}, 405, id="method"),
        pytest.param("/bug", {}, 500, id="bug"),
        pytest.param("/", {"Host": "stranger.example"}, 400, id="host"),
        pytest.param("/healthz", {"Host": "stranger.example"}, 200, id="probe"),
    ],
)
def test_every_response_has_the_security_headers(
    issuer: Issuer, settings: Any, db: None, path: str, headers: dict[str, str], status: int
) -> None:
    settings.ROOT_URLCONF = "tests.api.urls_with_a_bug"
    settings.TIMESHEETS_BROWSER_SIGN_IN = True
    if "Authorization" in headers:
        headers = {**headers, "Authorization": f"Bearer {issuer.mint(scope='read:timesheets')}"}

    response = Client(raise_request_exception=False).get(path, headers=headers)
    response.close()

    assert response.status_code == status
    assert {name: response.headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize("path", ["/bug", "/nowhere"])
def test_djangos_debug_pages_keep_their_styles(settings: Any, path: str) -> None:
    settings.DEBUG = True
    settings.ROOT_URLCONF = "tests.api.urls_with_a_bug"
    response = Client(raise_request_exception=False).get(path, headers={"Accept": "text/html"})

    assert b"<style" in response.content
    assert "Content-Security-Policy" not in response.headers


@pytest.fixture
def production_responses(settings: Any) -> list[ClientResponse]:
    """Responses to a request for a form, an unknown path and a foreign host, and a redirect to https."""
    use_settings(settings, load_production(TIMESHEETS_BROWSER_SIGN_IN="true"))
    client = Client(headers={"Host": "timesheets.example.com"})
    return [
        client.get("/sign-in", secure=True),
        client.get("/nowhere", secure=True),
        client.get("/", secure=True, headers={"Host": "stranger.example"}),
        client.get("/"),
    ]


def test_each_production_response_has_the_security_headers(
    production_responses: list[ClientResponse],
) -> None:
    assert [response.status_code for response in production_responses] == [200, 404, 400, 301]
    for response in production_responses:
        assert {name: response.headers.get(name) for name in HEADERS} == HEADERS


def test_production_makes_browsers_require_https(production_responses: list[ClientResponse]) -> None:
    for response in production_responses[:3]:
        assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_no_other_host_can_set_a_production_cookie(production_responses: list[ClientResponse]) -> None:
    [(name, cookie)] = production_responses[0].cookies.items()

    assert name == "__Host-csrftoken"
    # Browsers require these attributes for the prefix.
    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")


def test_every_production_cookie_has_the_prefix(settings: Any) -> None:
    use_settings(settings, load_production(TIMESHEETS_ADMIN="true"))

    assert (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME) == (
        "__Host-sessionid",
        "__Host-csrftoken",
    )
    # The admin's messages use no separate cookie.
    assert settings.MESSAGE_STORAGE == "django.contrib.messages.storage.session.SessionStorage"
    assert settings.SESSION_COOKIE_SECURE
    assert (settings.SESSION_COOKIE_PATH, settings.SESSION_COOKIE_DOMAIN) == ("/", None)
