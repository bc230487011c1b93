"""Security headers of every response, and attributes of every cookie."""

import json
from typing import Any

import pytest
from django.test import Client

from tests.kit.issuer import Issuer
from tests.kit.processes import PRODUCTION_VARIABLES, run_python

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
    client = Client(raise_request_exception=False)

    response = client.get(path, headers={"Accept": "text/html"})

    assert b"<style" in response.content
    assert "Content-Security-Policy" not in response.headers


REQUEST_PRODUCTION = """import timesheets_site.wsgi, json
from django.test import Client
client = Client()
def describe(host, path, **more):
    response = client.get(path, headers={"Host": host}, **more)
    cookies = {morsel.key: morsel for morsel in response.cookies.values()}
    return [response.status_code, dict(response.headers), cookies]
print(json.dumps([
    describe("timesheets.example.com", "/sign-in", secure=True),
    describe("timesheets.example.com", "/nowhere", secure=True),
    describe("stranger.example", "/", secure=True),
    describe("timesheets.example.com", "/"),
]))
"""


@pytest.fixture(scope="module")
def production_responses() -> list[Any]:
    """Status, headers and cookies of a form, an unknown path, a foreign host and a redirect to https."""
    result = run_python("-c", REQUEST_PRODUCTION, **PRODUCTION_VARIABLES, TIMESHEETS_BROWSER_SIGN_IN="true")
    responses: list[Any] = json.loads(result.stdout)
    return responses


def test_every_production_response_has_the_security_headers(production_responses: list[Any]) -> None:
    statuses = [status for status, _, _ in production_responses]
    assert statuses == [200, 404, 400, 301]
    for _, headers, _ in production_responses:
        assert {name: headers.get(name) for name in HEADERS} == HEADERS


def test_production_makes_browsers_require_https(production_responses: list[Any]) -> None:
    for _, headers, _ in production_responses[:3]:
        assert headers["Strict-Transport-Security"] == "max-age=31536000"


def test_no_other_host_can_set_a_production_cookie(production_responses: list[Any]) -> None:
    [(name, cookie)] = production_responses[0][2].items()

    assert name == "__Host-csrftoken"
    # Browsers require these attributes for the prefix.
    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")


def test_every_production_cookie_has_the_prefix() -> None:
    code = (
        "import timesheets_site.wsgi; from django.conf import settings as s; "
        "print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.MESSAGE_STORAGE, "
        "s.SESSION_COOKIE_SECURE, s.SESSION_COOKIE_PATH, s.SESSION_COOKIE_DOMAIN)"
    )

    result = run_python("-c", code, **PRODUCTION_VARIABLES, TIMESHEETS_ADMIN="true")

    assert result.stdout.split() == [
        "__Host-sessionid",
        "__Host-csrftoken",
        # The admin's messages use no separate cookie.
        "django.contrib.messages.storage.session.SessionStorage",
        "True",
        "/",
        "None",
    ], result.stderr
