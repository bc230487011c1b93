"""A person signs in with an access token and gets a session that lasts as long as the token is acceptable."""

import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from tests.api.leaks import find_leaks, format_records, format_response
from tests.kit.django_client import ClientResponse
from tests.kit.issuer import Issuer

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(issuer: Issuer, settings: Any) -> Client:
    settings.TIMESHEETS_BROWSER_SIGN_IN = True
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def signed_in(browser: Client, issuer: Issuer) -> Client:
    """The browser of a person who has signed in."""
    assert sign_in(browser, issuer.mint()).status_code == 302
    return browser


def sign_in(browser: Client, token: object, **fields: str) -> ClientResponse:
    return post(browser, "/sign-in", token=token, **fields)


def post(browser: Client, path: str, **fields: Any) -> ClientResponse:
    """Send a form of this site."""
    return browser.post(path, {"csrfmiddlewaretoken": find_csrf_token(browser), **fields})


def change_session(browser: Client, **members: Any) -> None:
    session = browser.session
    session.update(members)
    session.save()


def find_csrf_token(browser: Client) -> str:
    page = read(browser.get("/sign-in"))
    return str(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0])


def read(response: ClientResponse) -> str:
    return response.content.decode()


def is_signed_in(browser: Client) -> bool:
    return "Sign out" in read(browser.get("/"))


OTHER_SITES = (
    *("https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"),
    *("\\\\elsewhere.example", "/\\elsewhere.example", "timesheets", "/a\tb", "/a\x85b"),
    "/" + "é" * 750,
)


@pytest.mark.parametrize(
    ("scope", "destination", "location"),
    [
        ("batch:upload", "", "/timesheets/upload"),
        ("read:timesheets", "", "/timesheets"),
        ("batch:upload", "/timesheets?user_id=007", "/timesheets?user_id=007"),
        *(("batch:upload", destination, "/timesheets/upload") for destination in OTHER_SITES),
    ],
)
def test_signing_in_redirects_by_scope_or_to_the_requested_page_of_this_site(
    browser: Client, issuer: Issuer, scope: str, destination: str, location: str
) -> None:
    response = sign_in(browser, issuer.mint(scope=scope), **{"next": destination} if destination else {})

    assert (response.status_code, response["Location"]) == (302, location)
    assert is_signed_in(browser)


def test_signing_in_over_tls_never_redirects_to_http(browser: Client, issuer: Issuer) -> None:
    destination = {"next": "http://testserver/timesheets", "csrfmiddlewaretoken": find_csrf_token(browser)}
    origin = {"Origin": "https://testserver"}

    response = browser.post("/sign-in", {**destination, "token": issuer.mint()}, secure=True, headers=origin)

    assert (response.status_code, response["Location"]) == (302, "/timesheets/upload")


def test_a_token_may_be_pasted_with_text_around_it(browser: Client, issuer: Issuer) -> None:
    assert sign_in(browser, f"  Authorization: Bearer {issuer.mint()}\r\n").status_code == 302


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        ({"exp": 1000}, "The access token expired"),
        ({"iss": "https://stranger.example/"}, "The access token is from another issuer"),
        ({"aud": "https://other.example"}, "The access token is for another audience"),
        ({"sub": 5}, "The access token is not acceptable"),
    ],
)
def test_a_bad_token_is_refused_next_to_its_field_and_never_shown(
    browser: Client, issuer: Issuer, changes: dict[str, Any], phrase: str, log: pytest.LogCaptureFixture
) -> None:
    token = issuer.mint(**changes)

    response = sign_in(browser, token)

    assert response.status_code == 400
    assert f'id="token-error" role="alert">{phrase}' in read(response)
    assert response["Cache-Control"] == "no-store"
    assert find_leaks(token, format_records(log) + format_response(response)) == []
    assert not is_signed_in(browser)


@pytest.mark.parametrize("pasted", ["", "  ", "not a token", "x" * 9000])
def test_text_without_a_token_is_refused(browser: Client, pasted: str) -> None:
    response = sign_in(browser, pasted)

    assert response.status_code == 400
    assert 'id="token-error"' in read(response)


def test_without_the_issuers_keys_nobody_signs_in(browser: Client, issuer: Issuer, settings: Any) -> None:
    unreachable = "http://127.0.0.1:1/"
    settings.OAUTH = {**settings.OAUTH, "ISSUER": unreachable, "JWKS_URL": f"{unreachable}keys"}

    response = sign_in(browser, issuer.mint(iss=unreachable))

    assert response.status_code == 503
    assert "The issuer&#x27;s keys are unavailable" in read(response)


def test_the_session_stores_the_tokens_claims_but_never_the_token(browser: Client, issuer: Issuer) -> None:
    token = issuer.mint()

    sign_in(browser, token)

    stored = Session.objects.get().get_decoded()
    assert stored["timesheets.verified_token"]["token"]["client"]["client_id"] == "payroll"
    assert not any(part in str(stored) for part in token.split("."))


def test_signing_in_changes_the_session_key(signed_in: Client, issuer: Issuer) -> None:
    first = signed_in.cookies["sessionid"].value

    sign_in(signed_in, issuer.mint())

    assert signed_in.cookies["sessionid"].value != first
    assert not Session.objects.filter(session_key=first).exists()


def test_a_session_that_outlives_its_token_is_signed_out(browser: Client, issuer: Issuer) -> None:
    expires_at = int(time.time()) + 60
    sign_in(browser, issuer.mint(exp=expires_at))
    assert is_signed_in(browser)
    stored = browser.session["timesheets.verified_token"]
    assert stored["token"]["expires_at"] == expires_at

    stored["token"]["expires_at"] = time.time() - 1
    change_session(browser, **{"timesheets.verified_token": stored})

    assert not is_signed_in(browser)
    assert Session.objects.exists()


@pytest.mark.parametrize("lifetime", [timedelta(hours=1), timedelta(days=29)], ids=["short", "long"])
def test_a_token_does_not_change_the_lifetime_of_the_session(
    browser: Client, issuer: Issuer, settings: Any, lifetime: timedelta
) -> None:
    sign_in(browser, issuer.mint(exp=time.time() + lifetime.total_seconds()))

    assert browser.cookies["sessionid"]["max-age"] == settings.SESSION_COOKIE_AGE
    [session] = Session.objects.all()
    left = session.expire_date - timezone.now()
    assert abs(left.total_seconds() - settings.SESSION_COOKIE_AGE) < 60


def replace(*names: str, value: object = None) -> Callable[[dict[str, Any]], object]:
    """Sets a member of the session, or a member within it; None removes it."""

    def change(session: dict[str, Any]) -> None:
        *path, last = ("timesheets.verified_token", *names)
        for name in path:
            session = session[name]
        session.pop(last) if value is None else session.update({last: value})

    return change


@pytest.mark.parametrize(
    "change",
    [
        *(replace(value=value) for value in ("payroll", 7)),
        replace(value=[]),
        *(replace(name) for name in ("token", "audience")),
        *(replace("token", name) for name in ("scopes", "client")),
        *(replace("token", name, value=7) for name in ("color", "scopes")),
        replace("token", "expires_at", value="2030-01-01"),
        replace("token", value="payroll"),
    ],
)
def test_an_unreadable_session_is_signed_out(
    signed_in: Client, issuer: Issuer, change: Callable[[Any], object]
) -> None:
    session = signed_in.session
    change(session)
    session.save()

    assert signed_in.get("/").status_code == 200
    assert not is_signed_in(signed_in)
    assert sign_in(signed_in, issuer.mint()).status_code == 302
    assert is_signed_in(signed_in)


def test_signing_in_invalidates_earlier_csrf_tokens(browser: Client, issuer: Issuer) -> None:
    before = find_csrf_token(browser)
    cookie = browser.cookies["csrftoken"].value
    sign_in(browser, issuer.mint())

    assert browser.cookies["csrftoken"].value != cookie
    assert browser.post("/sign-out", {"csrfmiddlewaretoken": before}).status_code == 403
    assert is_signed_in(browser)


@pytest.mark.parametrize("setting", ["ISSUER", "AUDIENCE"])
def test_a_session_ends_when_the_api_no_longer_trusts_its_issuer_or_audience(
    signed_in: Client, settings: Any, setting: str
) -> None:
    settings.OAUTH = {**settings.OAUTH, setting: "https://another.example/"}

    assert not is_signed_in(signed_in)


def test_signing_out_deletes_the_session(signed_in: Client) -> None:
    # A link cannot sign a person out.
    assert signed_in.get("/sign-out").status_code == 405
    assert is_signed_in(signed_in)

    response = post(signed_in, "/sign-out")

    assert (response.status_code, response["Location"]) == (302, "/")
    assert not is_signed_in(signed_in)
    assert not Session.objects.exists()


def test_signing_out_leaves_an_admin_signed_in(signed_in: Client) -> None:
    change_session(signed_in, **{SESSION_KEY: "1"})

    post(signed_in, "/sign-out")

    assert not is_signed_in(signed_in)
    assert dict(signed_in.session) == {SESSION_KEY: "1"}


@pytest.mark.parametrize("address", ["/sign-in", "/sign-out"])
def test_another_sites_form_cannot_sign_a_person_in_or_out(
    browser: Client, issuer: Issuer, address: str
) -> None:
    response = browser.post(address, {"token": issuer.mint()})

    assert (response.status_code, response["Content-Type"]) == (403, "application/problem+json")
    assert not is_signed_in(browser)


def test_the_cookies_are_same_site_and_hidden_from_scripts(signed_in: Client) -> None:
    for name in ("sessionid", "csrftoken"):
        assert signed_in.cookies[name]["httponly"]
        assert signed_in.cookies[name]["samesite"] == "Strict"


def test_a_file_in_a_form_is_not_stored(browser: Client) -> None:
    response = sign_in(browser, SimpleUploadedFile("token", b"x" * 5_000))

    assert response.status_code == 400
    assert response.wsgi_request.FILES == {}


@pytest.mark.parametrize(("extra_bytes", "status"), [(0, 400), (1, 413)])
def test_a_form_may_hold_16_kib(browser: Client, extra_bytes: int, status: int) -> None:
    form = f"csrfmiddlewaretoken={find_csrf_token(browser)}&token="
    body = form.ljust(16 * 1024 + extra_bytes, "x")

    response = browser.post("/sign-in", body, content_type="application/x-www-form-urlencoded")

    assert response.status_code == status
    assert status != 413 or response.json()["code"] == "too_large"


def test_without_the_setting_the_sign_in_does_not_exist(client: Client) -> None:
    assert (client.get("/sign-in").status_code, client.post("/sign-out").status_code) == (404, 404)


def test_without_the_setting_a_session_is_ignored(signed_in: Client, settings: Any) -> None:
    settings.TIMESHEETS_BROWSER_SIGN_IN = False

    assert not is_signed_in(signed_in)


def test_the_docs_name_issuer_and_audience_and_the_landing_page_leads_there(
    client: Client, issuer: Issuer, settings: Any
) -> None:
    docs, page = read(client.get("/docs")), read(client.get("/"))

    assert issuer.url in docs
    assert settings.OAUTH["AUDIENCE"] in docs
    assert "/docs" in page
    assert "Sign in" not in page
    # The admin needs the middleware that its own tests add.
    links = [
        link for link in re.findall(r'href="(/[^"]*)"', page) if not link.startswith(("/static/", "/admin/"))
    ]
    assert {client.get(link).status_code for link in links} == {200}


@pytest.mark.parametrize("is_development", [True, False])
def test_only_in_development_the_landing_page_says_how_to_create_an_admin(
    client: Client, settings: Any, is_development: bool
) -> None:
    settings.DEBUG = is_development

    assert ("manage.py createsuperuser" in read(client.get("/"))) is is_development


def test_with_sign_in_the_landing_page_links_to_the_pages_for_people(browser: Client) -> None:
    response = browser.get("/")

    for link in ("/sign-in", "/timesheets/upload", "/timesheets", "/docs"):
        assert f'href="{link}"' in read(response)
    # Without a session.
    assert "Cookie" not in response.get("Vary", "")
    assert "Set-Cookie" not in response
