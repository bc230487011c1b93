"""Security headers of every response, and attributes of every cookie."""

from typing import Any

import pytest
from django.test import Client

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


GOOD = {"Authorization": "good"}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        *((path, {}, 200) for path in ("/", "/docs", "/sign-in", "/static/timesheets/pages.css")),
        ("/.well-known/oauth-protected-resource/timesheets", {}, 200),
        *(("/timesheets", {**GOOD, **accept}, 200) for accept in ({}, {"Accept": "text/csv"})),
        ("/timesheets", {}, 401),
        *(("/nowhere", headers, 404) for headers in ({}, {"Accept": "text/html"})),
        *(
            (path, {}, status)
            for path, status in (("/static/nothing", 404), ("/sign-out", 405), ("/bug", 500))
        ),
        *((path, {"Host": "stranger.example"}, status) for path, status in (("/", 400), ("/healthz", 200))),
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


def test_each_production_response_has_the_security_headers(settings: Any) -> None:
    use_settings(settings, load_production(TIMESHEETS_BROWSER_SIGN_IN="true"))
    client = Client(headers={"Host": "timesheets.example.com"})
    secure = [client.get(path, secure=True) for path in ("/sign-in", "/nowhere")]
    secure.append(client.get("/", secure=True, headers={"Host": "stranger.example"}))

    responses = [*secure, client.get("/")]

    assert [response.status_code for response in responses] == [200, 404, 400, 301]
    for response in responses:
        assert {name: response.headers.get(name) for name in HEADERS} == HEADERS
    assert {each.headers["Strict-Transport-Security"] for each in secure} == {"max-age=31536000"}
    [(name, cookie)] = secure[0].cookies.items()
    assert name == "__Host-csrftoken"
    # Browsers require these attributes for the prefix, so that no other host can set the cookie.
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
