"""A person signs in with an access token: what the session is good for, and what it never is."""

import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from tests.issuer import Issuer

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(issuer: Issuer, settings: Any) -> Client:
    settings.TIMESHEETS_BROWSER_SIGN_IN = True
    return Client(enforce_csrf_checks=True)


def sign_in(browser: Client, token: str, **fields: str) -> HttpResponse:
    return browser.post(
        "/sign-in", {**fields, "token": token, "csrfmiddlewaretoken": find_csrf_token(browser)}
    )


def find_csrf_token(browser: Client) -> str:
    return re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', read(browser.get("/sign-in")))[0]


def read(response: HttpResponse) -> str:
    return response.content.decode()


def is_signed_in(browser: Client) -> bool:
    return "Sign out" in read(browser.get("/"))


def test_a_good_token_signs_in_and_leads_to_where_it_can_upload(browser: Client, issuer: Issuer) -> None:
    response = sign_in(browser, issuer.mint(scope="batch:upload"))

    assert (response.status_code, response["Location"]) == (302, "/timesheets/upload")
    assert is_signed_in(browser)


def test_who_may_only_read_is_led_to_the_entries(browser: Client, issuer: Issuer) -> None:
    response = sign_in(browser, issuer.mint(scope="read:timesheets"))

    assert response["Location"] == "/timesheets"


@pytest.mark.parametrize(
    ("destination", "location"),
    [
        pytest.param("/timesheets?user_id=007", "/timesheets?user_id=007", id="a page of this site"),
        pytest.param("https://elsewhere.example/", "/timesheets/upload", id="another site"),
        pytest.param("//elsewhere.example/", "/timesheets/upload", id="another host"),
        pytest.param("javascript:alert(1)", "/timesheets/upload", id="a script"),
        pytest.param("\\\\elsewhere.example", "/timesheets/upload", id="backslashes"),
    ],
)
def test_the_person_goes_on_to_where_they_were_going_on_this_site_only(
    browser: Client, issuer: Issuer, destination: str, location: str
) -> None:
    response = sign_in(browser, issuer.mint(), next=destination)

    assert response["Location"] == location


def test_over_tls_nobody_goes_on_to_a_page_without_it(browser: Client, issuer: Issuer) -> None:
    fields = {"next": "http://testserver/timesheets", "token": issuer.mint()}

    response = browser.post(
        "/sign-in",
        fields | {"csrfmiddlewaretoken": find_csrf_token(browser)},
        secure=True,
        headers={"Origin": "https://testserver"},
    )

    assert (response.status_code, response["Location"]) == (302, "/timesheets/upload")


@pytest.mark.parametrize(
    "pasted",
    [
        "  {token}\r\n",
        "Bearer {token}",
        "Authorization: Bearer {token}",
        '"{token}"',
        '{{"access_token": "{token}", "token_type": "Bearer"}}',
    ],
)
def test_a_token_may_be_pasted_with_what_stands_around_it(
    browser: Client, issuer: Issuer, pasted: str
) -> None:
    response = sign_in(browser, pasted.format(token=issuer.mint()))

    assert response.status_code == 302


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        ({"exp": 1000}, "The access token expired"),
        ({"iss": "https://stranger.example/"}, "The access token is from another issuer"),
        ({"aud": "https://other.example"}, "The access token is for another audience"),
        ({"sub": 5}, "The access token is not acceptable"),
    ],
)
def test_a_bad_token_is_refused_beside_its_field_and_never_shown(
    browser: Client, issuer: Issuer, changes: dict[str, Any], phrase: str, caplog: pytest.LogCaptureFixture
) -> None:
    token = issuer.mint(**changes)

    response = sign_in(browser, token)

    assert response.status_code == 400
    assert f'id="token-error" role="alert">{phrase}' in read(response)
    assert not is_signed_in(browser)
    for part in token.split("."):
        assert part not in read(response)
        assert part not in caplog.text


@pytest.mark.parametrize("pasted", ["", "  ", "not a token", "x" * 9000])
def test_what_is_no_token_at_all_is_refused(browser: Client, pasted: str) -> None:
    response = sign_in(browser, pasted)

    assert response.status_code == 400
    assert 'id="token-error"' in read(response)


def test_without_the_issuers_keys_nobody_can_say(browser: Client, issuer: Issuer, settings: Any) -> None:
    nobody = "http://127.0.0.1:1/"
    settings.OAUTH = {**settings.OAUTH, "ISSUER": nobody, "JWKS_URL": f"{nobody}keys"}

    response = sign_in(browser, issuer.mint(iss=nobody))

    assert response.status_code == 503
    assert "The issuer&#x27;s keys are unavailable" in read(response)


def test_the_session_holds_what_the_token_says_and_never_the_token(browser: Client, issuer: Issuer) -> None:
    token = issuer.mint()

    sign_in(browser, token)

    [session] = Session.objects.all()
    kept = session.get_decoded()
    assert kept["timesheets.verified_token"]["token"]["client_id"] == "payroll"
    for part in token.split("."):
        assert part not in str(kept)


def test_the_session_gets_a_new_key_that_nobody_knew_before(browser: Client, issuer: Issuer) -> None:
    sign_in(browser, issuer.mint())
    first = browser.cookies["sessionid"].value

    sign_in(browser, issuer.mint())

    assert browser.cookies["sessionid"].value != first
    assert not Session.objects.filter(session_key=first).exists()


def test_the_session_ends_when_the_token_expires(browser: Client, issuer: Issuer) -> None:
    sign_in(browser, issuer.mint(exp=time.time() + 1))
    before = is_signed_in(browser)

    time.sleep(1.1)

    assert before
    assert not is_signed_in(browser)


def test_a_session_that_lives_on_for_another_reason_does_not_keep_the_token(
    browser: Client, issuer: Issuer
) -> None:
    sign_in(browser, issuer.mint(exp=time.time() + 1))
    Session.objects.update(expire_date=timezone.now() + timedelta(days=1))

    time.sleep(1.1)

    assert not is_signed_in(browser)
    assert Session.objects.exists()


@pytest.mark.parametrize("lifetime", [timedelta(hours=1), timedelta(days=29)], ids=["short", "long"])
def test_a_token_neither_shortens_nor_stretches_the_session(
    browser: Client, issuer: Issuer, settings: Any, lifetime: timedelta
) -> None:
    sign_in(browser, issuer.mint(exp=time.time() + lifetime.total_seconds()))

    assert browser.cookies["sessionid"]["max-age"] == settings.SESSION_COOKIE_AGE
    [session] = Session.objects.all()
    left = session.expire_date - timezone.now()
    assert abs(left.total_seconds() - settings.SESSION_COOKIE_AGE) < 60


def remove(kept: dict[str, Any], name: str) -> None:
    del kept[name]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda kept: remove(kept, "token"), id="no-token"),
        pytest.param(lambda kept: remove(kept, "audience"), id="no-audience"),
        pytest.param(lambda kept: remove(kept["token"], "scopes"), id="no-scopes"),
        pytest.param(lambda kept: remove(kept["token"], "client_id"), id="no-client"),
        pytest.param(lambda kept: kept["token"].update(color="red"), id="another-member"),
        pytest.param(lambda kept: kept["token"].update(scopes=None), id="other-scopes"),
        pytest.param(lambda kept: kept["token"].update(expires_at="2030-01-01"), id="another-expiry"),
        pytest.param(lambda kept: kept.update(token="payroll"), id="a-string"),
    ],
)
def test_a_session_that_cannot_be_read_is_a_signed_out_one(
    browser: Client, issuer: Issuer, change: Callable[[dict[str, Any]], None]
) -> None:
    sign_in(browser, issuer.mint())
    session = browser.session
    change(session["timesheets.verified_token"])
    session.save()

    response = browser.get("/")

    assert response.status_code == 200
    assert not is_signed_in(browser)
    assert sign_in(browser, issuer.mint()).status_code == 302
    assert is_signed_in(browser)


@pytest.mark.parametrize("kept", [None, [], "payroll", 7])
def test_a_session_that_holds_something_else_is_a_signed_out_one(
    browser: Client, issuer: Issuer, kept: Any
) -> None:
    sign_in(browser, issuer.mint())
    session = browser.session
    session["timesheets.verified_token"] = kept
    session.save()

    assert browser.get("/").status_code == 200
    assert not is_signed_in(browser)


def test_signing_in_makes_forms_of_before_worthless(browser: Client, issuer: Issuer) -> None:
    before = find_csrf_token(browser)
    cookie = browser.cookies["csrftoken"].value
    sign_in(browser, issuer.mint())

    response = browser.post("/sign-out", {"csrfmiddlewaretoken": before})

    assert browser.cookies["csrftoken"].value != cookie
    assert response.status_code == 403
    assert is_signed_in(browser)


@pytest.mark.parametrize("setting", ["ISSUER", "AUDIENCE"])
def test_a_session_is_worth_nothing_once_its_token_would_be_refused(
    browser: Client, issuer: Issuer, settings: Any, setting: str
) -> None:
    sign_in(browser, issuer.mint())

    settings.OAUTH = {**settings.OAUTH, setting: "https://another.example/"}

    assert not is_signed_in(browser)


def test_signing_out_forgets_the_session(browser: Client, issuer: Issuer) -> None:
    sign_in(browser, issuer.mint())

    response = browser.post("/sign-out", {"csrfmiddlewaretoken": find_csrf_token(browser)})

    assert (response.status_code, response["Location"]) == (302, "/")
    assert not is_signed_in(browser)
    assert not Session.objects.exists()


def test_nobody_is_signed_out_by_a_link(browser: Client, issuer: Issuer) -> None:
    sign_in(browser, issuer.mint())

    response = browser.get("/sign-out")

    assert response.status_code == 405
    assert is_signed_in(browser)


@pytest.mark.parametrize("address", ["/sign-in", "/sign-out"])
def test_a_form_of_another_site_signs_nobody_in_or_out(browser: Client, issuer: Issuer, address: str) -> None:
    response = browser.post(address, {"token": issuer.mint()})

    assert response.status_code == 403
    assert response["Content-Type"] == "application/problem+json"
    assert not is_signed_in(browser)


def test_the_cookies_stay_with_this_site_and_away_from_scripts(browser: Client, issuer: Issuer) -> None:
    sign_in(browser, issuer.mint())

    for name in ("sessionid", "csrftoken"):
        cookie = browser.cookies[name]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"


def test_the_pages_tell_no_other_site_where_somebody_was(browser: Client) -> None:
    response = browser.get("/sign-in")

    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cache-Control"] == "no-store"


def test_a_file_sent_to_a_form_is_not_kept(browser: Client, issuer: Issuer) -> None:
    csrf_token = find_csrf_token(browser)
    fields = {"csrfmiddlewaretoken": csrf_token, "token": SimpleUploadedFile("token", b"x" * 5_000)}

    response = browser.post("/sign-in", fields)

    assert response.status_code == 400
    assert response.wsgi_request.FILES == {}


@pytest.mark.parametrize(("surplus", "status"), [(0, 400), (1, 413)])
def test_a_form_may_hold_16_kib(browser: Client, surplus: int, status: int) -> None:
    form = f"csrfmiddlewaretoken={find_csrf_token(browser)}&token="
    body = form.ljust(16 * 1024 + surplus, "x")

    response = browser.post("/sign-in", body, content_type="application/x-www-form-urlencoded")

    assert response.status_code == status
    assert status != 413 or response.json()["code"] == "too_large"


@pytest.mark.parametrize("address", ["/sign-in", "/sign-out"])
def test_without_the_setting_there_is_no_way_to_sign_in(client: Client, address: str) -> None:
    response = client.post(address) if address == "/sign-out" else client.get(address)

    assert response.status_code == 404


def test_without_the_setting_a_session_that_was_is_not_looked_at(
    browser: Client, issuer: Issuer, settings: Any
) -> None:
    sign_in(browser, issuer.mint())

    settings.TIMESHEETS_BROWSER_SIGN_IN = False

    assert not is_signed_in(browser)


def test_the_landing_page_says_whom_the_api_trusts(client: Client, issuer: Issuer, settings: Any) -> None:
    response = client.get("/")

    page = read(response)
    assert response.status_code == 200
    assert issuer.url in page
    assert settings.OAUTH["AUDIENCE"] in page
    assert "Sign in" not in page
    links = [link for link in re.findall(r'href="(/[^"]*)"', page) if not link.startswith("/static/")]
    assert {client.get(link).status_code for link in links} == {200}


def test_the_landing_page_leads_to_the_pages_for_people_where_they_can_sign_in(browser: Client) -> None:
    page = read(browser.get("/"))

    for link in ("/sign-in", "/timesheets/upload", "/timesheets", "/docs"):
        assert f'href="{link}"' in page


def test_who_brings_no_session_gets_an_answer_that_varies_by_none(browser: Client) -> None:
    response = browser.get("/")

    assert "Cookie" not in response.get("Vary", "")
    assert "Set-Cookie" not in response
