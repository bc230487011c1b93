"""People sign in at the issuer by OpenID Connect's code flow, over real HTTP and with real keys."""

import base64
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlsplit

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from django.contrib.sessions.models import Session
from django.test import Client

from tests.api.issuer_sign_ins import CLIENT_ID, CODE, SECRET, SUBJECT, Browser, find_refresh, read
from tests.api.leaks import find_leaks, format_records, format_response
from tests.kit.issuer import Issuer
from tests.kit.responders import Responder, after, close, content, document, hang, redirect
from tests.kit.signing_keys import SigningKey
from timesheets import conf
from timesheets.browser.issuer_sign_ins import MAX_WAITING, begin

pytestmark = pytest.mark.django_db

CALLBACK = "https://timesheets.example.com/sign-in/callback"


@pytest.fixture
def browser(fresh_issuer: Issuer, settings: Any, with_pages: None) -> Browser:
    web_client = {"WEB_CLIENT_ID": CLIENT_ID, "WEB_CLIENT_SECRET": SECRET}
    settings.OAUTH = {**settings.OAUTH, **web_client}
    return Browser(fresh_issuer)


def find_failures(log: pytest.LogCaptureFixture) -> list[str]:
    return [text for text in log.messages if "reason=sign_in" in text]


# The way there


def test_the_browser_is_led_to_the_issuer_with_everything_that_it_needs(browser: Browser) -> None:
    page = browser.press_sign_in("/timesheets")

    address = find_refresh(page)
    started = dict(parse_qsl(urlsplit(address).query))
    assert address.startswith(f"{browser.issuer.url}authorize?tenant=1&")
    challenge, state, nonce = (started.pop(name) for name in ("code_challenge", "state", "nonce"))
    assert {len(challenge), len(state), len(nonce)} == {43}
    assert started == {
        "tenant": "1",
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": CALLBACK,
        "scope": "openid profile email batch:upload correct:timesheets read:timesheets read:all-timesheets",
        "code_challenge_method": "S256",
        "resource": "https://timesheets.example.com",
    }


@pytest.mark.parametrize(("parameter", "sent"), [("audience", True), ("none", False)])
def test_scopes_and_the_name_of_the_audience_are_settings(
    browser: Browser, settings: Any, parameter: str, sent: bool
) -> None:
    changes = {"AUDIENCE_PARAMETER": parameter, "WEB_SCOPES": ["read:timesheets"]}
    settings.OAUTH = {**settings.OAUTH, **changes}

    started = browser.start()
    browser.finish(started)

    assert started["scope"] == "openid profile email read:timesheets"
    _, form = browser.read_token_request()
    for request in (started, form):
        assert ("audience" in request, "resource" in request) == (sent, False)


def test_the_page_has_one_button_and_a_link_to_paste_a_token(browser: Browser) -> None:
    page = read(browser.client.get("/sign-in?next=/timesheets"))
    assert page.count("<button") == 1
    assert 'href="/sign-in?paste&amp;next=%2Ftimesheets">Use an access token instead</a>' in page

    assert 'name="token"' in read(browser.client.get("/sign-in?paste&next=/timesheets"))


@pytest.mark.parametrize("is_secure", [False, True])
def test_the_cookie_of_a_sign_in_is_lax_sealed_and_short_lived(
    browser: Browser, settings: Any, is_secure: bool
) -> None:
    settings.SESSION_COOKIE_SECURE = is_secure
    settings.SESSION_COOKIE_NAME = f"{'__Host-' * is_secure}sessionid"

    started = browser.start("/timesheets")

    [cookie] = [each for each in browser.client.cookies.values() if "sign-in-" in each.key]
    assert cookie.key.startswith("__Host-sign-in-" if is_secure else "sign-in-")
    flags = {name: cookie[name] for name in ("path", "samesite", "httponly", "secure", "max-age", "domain")}
    assert flags == {
        "path": "/",
        "samesite": "Lax",
        "httponly": True,
        "secure": is_secure or "",
        "max-age": 600,
        "domain": "",
    }
    for secret in (started["state"], started["nonce"], "timesheets"):
        assert secret not in base64.urlsafe_b64decode(cookie.value).decode("latin-1") + cookie.key


# The way back


def test_a_person_is_signed_in_and_continues_at_the_requested_page(
    browser: Browser, log: pytest.LogCaptureFixture
) -> None:
    started = browser.start("/timesheets?user_id=007&project=A%20B")

    response = browser.finish(started)

    assert (response.status_code, response["Referrer-Policy"]) == (200, "no-referrer")
    assert find_refresh(response) == "/timesheets?user_id=007&project=A%20B"
    assert f'outcome=signed_in client="{CLIENT_ID}" subject="{SUBJECT}"' in log.text
    page = read(browser.client.get("/timesheets", headers={"Accept": "text/html"}))
    assert "Clara &lt;b&gt;Clerk&lt;/b&gt;" in page
    # Only the cookies of the session and of forms are left.
    assert {each.key for each in browser.client.cookies.values() if each.value} == {"sessionid", "csrftoken"}


def test_the_code_is_redeemed_with_the_verifier_and_an_encoded_secret(browser: Browser) -> None:
    started = browser.start()

    browser.finish(started)

    head, form = browser.read_token_request()
    [verifier] = form.pop("code_verifier")
    assert create_s256_code_challenge(verifier) == started["code_challenge"]
    assert form == {
        "grant_type": ["authorization_code"],
        "code": [CODE],
        "redirect_uri": [CALLBACK],
        "resource": ["https://timesheets.example.com"],
    }
    credentials = base64.b64encode(b"the+pages:a%2Bsecret%3A+50%25").decode()
    assert f"Authorization: Basic {credentials}\r\n" in f"{head}\r\n"


@pytest.mark.parametrize(
    ("setting", "supported", "is_basic"),
    [
        ("", ["client_secret_post", "client_secret_basic"], True),
        ("", ["client_secret_post", "private_key_jwt"], False),
        ("", "nonsense", True),
        ("client_secret_post", ["client_secret_basic"], False),
        ("client_secret_basic", ["client_secret_post"], True),
    ],
)
def test_the_setting_then_the_metadata_say_how_the_secret_is_sent(
    browser: Browser, settings: Any, setting: str, supported: object, is_basic: bool
) -> None:
    settings.OAUTH = {**settings.OAUTH, "CLIENT_AUTH": setting}
    browser.issuer.metadata["token_endpoint_auth_methods_supported"] = supported

    browser.finish(browser.start())

    head, form = browser.read_token_request()
    assert ("Authorization: Basic" in head) is is_basic
    assert form.get("client_secret") == (None if is_basic else [SECRET])
    assert browser.is_signed_in()


@pytest.mark.parametrize(
    ("claims", "shown"),
    [
        ({"name": "Clara", "email": "clara@example.com"}, "Clara"),
        ({"name": " ", "email": "clara@example.com"}, "clara@example.com"),
        ({"name": 5, "email": None}, SUBJECT),
        ({"name": "x" * 5000}, "x" * 255),
    ],
)
def test_the_header_shows_the_name_else_the_email_else_the_subject(
    browser: Browser, claims: dict[str, Any], shown: str
) -> None:
    started = browser.start()

    browser.finish(started, id_token=browser.mint_id_token(started, **claims))

    assert f"<bdi>{shown}</bdi></span>" in read(browser.client.get("/docs"))


def test_two_tabs_can_sign_in_at_once(browser: Browser) -> None:
    first, second = browser.start("/uploads"), browser.start("/timesheets")

    assert find_refresh(browser.finish(first)) == "/uploads"
    assert find_refresh(browser.finish(second)) == "/timesheets"


def test_signing_in_starts_a_session_under_a_new_key_without_any_token(browser: Browser) -> None:
    browser.finish(browser.start())
    first = browser.client.cookies["sessionid"].value

    started = browser.start()
    response = browser.prepare(started)
    browser.return_to(started)

    assert browser.client.cookies["sessionid"].value != first
    [session] = Session.objects.all()
    assert find_leaks(response["access_token"] + "." + response["id_token"], str(session.get_decoded())) == []


@pytest.mark.parametrize("destination", ["", "//elsewhere.example"])
def test_any_other_destination_leads_to_the_landing_page(browser: Browser, destination: str) -> None:
    assert find_refresh(browser.finish(browser.start(destination))) == "/"


def test_a_destination_may_have_1500_bytes(browser: Browser) -> None:
    longest = "/" + '"' * 1499

    started = browser.start(longest)

    assert all(len(cookie.OutputString()) < 4096 for cookie in browser.client.cookies.values())
    assert find_refresh(browser.finish(started)) == longest


# Who is not signed in


def open_foreign(browser: Browser, started: dict[str, str]) -> Any:
    """Open the link of a stranger who has signed in up to here: login CSRF."""
    stranger = Browser(browser.issuer)
    theirs = stranger.start()
    browser.prepare(theirs)
    return browser.return_to(theirs)


def open_twice(browser: Browser, started: dict[str, str]) -> Any:
    browser.finish(started)
    browser.post("/sign-out")
    return browser.return_to(started)


def open_late(browser: Browser, started: dict[str, str]) -> Any:
    [name] = [name for name in browser.client.cookies if name.startswith("sign-in-")]
    browser.prepare(started)
    with pytest.MonkeyPatch.context() as patch:
        now = time.time()
        patch.setattr("time.time", lambda: now + 602)
        browser.client.cookies[name]["max-age"] = ""
        browser.client.cookies[name]["expires"] = ""
        return browser.return_to(started)


def open_swapped(browser: Browser, started: dict[str, str]) -> Any:
    """Bring the state of another attempt, whose cookie has been replaced."""
    [name] = [name for name in browser.client.cookies if name.startswith("sign-in-")]
    other = browser.start()
    [other_name] = [each for each in browser.client.cookies if each.startswith("sign-in-") and each != name]
    browser.client.cookies[other_name] = browser.client.cookies[name].value
    browser.prepare(started)
    return browser.return_to(other)


@pytest.mark.parametrize(
    "come_back",
    [
        pytest.param(lambda browser, _: browser.return_to({}, code=CODE), id="missing"),
        pytest.param(lambda browser, _: browser.return_to({}, code=CODE, state="é\n"), id="made up"),
        pytest.param(open_foreign, id="foreign"),
        pytest.param(open_swapped, id="swapped"),
        pytest.param(open_twice, id="used"),
        pytest.param(open_late, id="late"),
    ],
)
def test_a_state_that_does_not_fit_signs_nobody_in(
    browser: Browser, come_back: Callable[[Browser, Any], Any], log: pytest.LogCaptureFixture
) -> None:
    started = browser.start()
    asked = browser.issuer.count("/oauth/token")

    response = come_back(browser, started)

    assert (response.status_code, response["Referrer-Policy"]) == (400, "no-referrer")
    assert "The sign-in took too long, or was opened twice." in read(response)
    assert 'href="/sign-in">Sign in again</a>' in read(response)
    assert [line.partition(":")[0] for line in find_failures(log)] == [
        "outcome=refused reason=sign_in_expired"
    ]
    assert browser.issuer.count("/oauth/token") - asked == (come_back is open_twice)


def test_a_state_that_does_not_fit_ends_no_other_sign_in(browser: Browser) -> None:
    started = browser.start()

    browser.return_to({}, code=CODE, state="made up")

    assert browser.finish(started).status_code == 200


def test_who_is_signed_in_already_gets_the_landing_page(browser: Browser) -> None:
    started = browser.start()
    browser.finish(started)

    again = browser.return_to(started)

    assert (again.status_code, again["Location"]) == (302, "/")
    assert browser.client.get("/sign-in?again")["Location"] == "/"
    assert browser.is_signed_in()


def test_a_browser_that_sent_no_session_is_asked_once_more(browser: Browser) -> None:
    """It does not, when the issuer's redirect brings it here."""
    response = browser.client.get("/sign-in/callback?state=x", headers={"Sec-Fetch-Site": "cross-site"})

    assert find_refresh(response) == "/sign-in?again"
    assert "took too long" in read(browser.client.get("/sign-in?again"))


@pytest.mark.parametrize(
    ("promised", "name", "is_accepted"),
    [
        (True, "", True),
        (False, "", True),
        (False, None, True),
        (True, None, False),
        (True, "https://mix-up.example/", False),
        (False, "https://mix-up.example/", False),
    ],
)
def test_the_response_names_its_issuer(
    browser: Browser, promised: bool, name: str | None, is_accepted: bool
) -> None:
    browser.issuer.metadata["authorization_response_iss_parameter_supported"] = promised
    started = browser.start()
    browser.prepare(started)
    named = {} if name is None else {"iss": name or browser.issuer.url}

    response = browser.return_to(started, code=CODE, state=started["state"], **named)

    assert response.status_code == (200 if is_accepted else 400)
    assert ("Another site answered" in read(response)) is not is_accepted
    assert browser.issuer.count("/oauth/token") == is_accepted
    assert browser.is_signed_in() is is_accepted


def test_a_mix_up_of_issuers_is_told_to_who_is_signed_in_already(browser: Browser) -> None:
    browser.finish(browser.start())
    state = browser.start()["state"]

    response = browser.return_to({}, code=CODE, state=state, iss="https://mix-up.example/")

    assert response.status_code == 400


REMEDIES = {"invalid_client": "OAUTH_WEB_CLIENT_SECRET", "invalid_target": "OAUTH_AUDIENCE_PARAMETER"}
ERRORS = [
    ("access_denied", 403, "was canceled"),
    ("login_required", 403, "was not completed"),
    ("temporarily_unavailable", 403, "has a problem"),
    ("<script>raw", 403, "was not completed"),
    *((error, 500, "is not set up") for error in ("invalid_client", "unauthorized_client", "invalid_target")),
]
TOKEN_ERRORS = [
    ("invalid_grant", 400, "took too long"),
    *(each for each in ERRORS if each[1] == 500),
    ("invalid_request", 503, "does not work at the moment"),
    ({"a": 1}, 503, "does not work at the moment"),
]


@pytest.mark.parametrize(
    ("is_token_error", "error", "status", "words"),
    [*((False, *each) for each in ERRORS), *((True, *each) for each in TOKEN_ERRORS)],
)
def test_an_error_of_the_issuer_is_told_in_our_words(
    browser: Browser,
    log: pytest.LogCaptureFixture,
    is_token_error: bool,
    error: Any,
    status: int,
    words: str,
) -> None:
    started = browser.start()
    told = {"error": error, "error_description": 'raw "té\nxt'}
    browser.issuer.answers["/oauth/token"] = document(told, 400)

    state = {"state": started["state"]}
    response = browser.return_to(started, **state, **({"code": CODE} if is_token_error else told))

    assert response.status_code == status
    assert words in read(response)
    assert ('href="/sign-in?next=%2Ftimesheets">Sign in again' in read(response)) is (status != 500)
    assert "raw" not in read(response)
    [line] = find_failures(log)
    assert "raw" not in line
    assert REMEDIES.get(str(error), "") in line
    # A second attempt starts from the beginning.
    assert browser.return_to(started).status_code == 400


# What else a fetch refuses is in tests/unit/test_issuer_fetch.py.
DOWN = [
    pytest.param(hang, id="hangs"),
    pytest.param(content(b"<h1>Bad Gateway</h1>", 502), id="fails"),
    pytest.param(content(b"<h1>Too many</h1>", 429), id="refuses"),
    pytest.param(redirect("https://elsewhere.example/"), id="redirects"),
]
NO_TOKENS = [
    pytest.param(document(members), id=str(members))
    for members in (
        {},
        {"access_token": "x", "token_type": "Bearer"},
        {"access_token": "x", "id_token": "x"},
        {"access_token": ["x"], "id_token": "x", "token_type": "Bearer"},
    )
]


@pytest.mark.parametrize("responder", [*DOWN, *NO_TOKENS])
def test_a_token_endpoint_that_is_down_or_answers_nonsense_signs_nobody_in(
    browser: Browser, responder: Responder, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("timesheets.trust.code_flow.TOKEN_SECONDS", 5 if responder is not hang else 0.2)
    started = browser.start()
    browser.issuer.answers["/oauth/token"] = responder

    response = browser.return_to(started)

    assert response.status_code == 503
    assert "does not work at the moment" in read(response)
    [line] = find_failures(log)
    assert "reason=sign_in_unavailable: " in line
    assert not browser.is_signed_in()


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://another.example/"},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "http://plain.example/authorize"},
    ],
)
def test_metadata_that_cannot_be_used_end_a_sign_in_before_it_starts(
    browser: Browser, change: dict[str, Any], log: pytest.LogCaptureFixture
) -> None:
    browser.issuer.metadata |= change

    assert browser.press_sign_in().status_code == 503
    assert len(find_failures(log)) == 1


def test_the_metadata_are_kept_as_long_as_keys_are(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    browser.issuer.headers["Cache-Control"] = "max-age=100"
    fetched = []
    now = time.monotonic()
    for seconds in (0, 99, 101):
        monkeypatch.setattr("timesheets.trust.issuers.time.monotonic", lambda at=now + seconds: at)
        browser.start()
        fetched.append(browser.issuer.count(browser.issuer.openid_path))

    assert fetched == [1, 1, 2]


STRANGE_KEY = SigningKey("strange")


@pytest.mark.parametrize(
    ("claims", "is_accepted"),
    [
        pytest.param({"azp": CLIENT_ID}, True, id="azp"),
        pytest.param({"aud": [CLIENT_ID]}, True, id="list"),
        pytest.param({"aud": [CLIENT_ID, "other"], "azp": CLIENT_ID}, True, id="several and azp"),
        pytest.param({"at_hash": None}, True, id="without at_hash"),
        pytest.param({"exp": 20}, True, id="expired within the leeway"),
        pytest.param({"exp": 40}, False, id="expired"),
        pytest.param({"iat": -40}, False, id="issued later"),
        pytest.param({"aud": "other", "azp": CLIENT_ID}, False, id="foreign aud and the right azp"),
        pytest.param({"aud": ["other", "another"], "azp": CLIENT_ID}, False, id="foreign auds"),
        pytest.param({"aud": [CLIENT_ID, "other"]}, False, id="several without azp"),
        pytest.param({"aud": [CLIENT_ID, "other"], "azp": "other"}, False, id="several and a foreign azp"),
        pytest.param({"azp": "other"}, False, id="foreign azp"),
        pytest.param({"iss": "https://another.example/"}, False, id="iss"),
        pytest.param({"nonce": "another"}, False, id="nonce"),
        pytest.param({"nonce": None}, False, id="without nonce"),
        pytest.param({"at_hash": "b3RoZXI"}, False, id="at_hash"),
        pytest.param({"at_hash": [5]}, False, id="no at_hash"),
        pytest.param({"sub": None}, False, id="without sub"),
        pytest.param({"key": STRANGE_KEY}, False, id="unknown key"),
        pytest.param({"key": SigningKey("first", pair="forged")}, False, id="signature"),
        pytest.param({"header": {"alg": "none"}}, False, id="alg"),
    ],
)
def test_only_a_good_id_token_signs_in(
    browser: Browser, claims: dict[str, Any], is_accepted: bool, log: pytest.LogCaptureFixture
) -> None:
    started = browser.start()
    access_token = browser.mint_access_token()
    for name in claims.keys() & {"exp", "iat"}:
        claims = {**claims, name: time.time() - claims[name]}
    if "exp" in claims:
        claims["iat"] = claims["exp"] - 60

    id_token = browser.mint_id_token(started, access_token, **claims)
    response = browser.finish(started, access_token=access_token, id_token=id_token)

    assert response.status_code == (200 if is_accepted else 503)
    assert browser.is_signed_in() is is_accepted
    assert ["sign_in_unavailable: ID token: " in line for line in find_failures(log)] == [True] * (
        not is_accepted
    )


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        pytest.param({"azp": None, "client_id": CLIENT_ID}, 200, id="client_id"),
        pytest.param({"azp": "other"}, 503, id="another client's"),
        pytest.param({"azp": None, "sub": CLIENT_ID}, 503, id="no client's"),
        pytest.param({"sub": None}, 503, id="nobody's"),
        pytest.param({"exp": 1000}, 503, id="expired"),
        pytest.param({"iss": "https://another.example/"}, 503, id="another issuer's"),
        pytest.param({"aud": "https://another.example"}, 500, id="another audience"),
        pytest.param(None, 500, id="opaque"),
    ],
)
def test_only_a_good_access_token_of_the_web_client_signs_in(
    browser: Browser, claims: dict[str, Any] | None, status: int, log: pytest.LogCaptureFixture
) -> None:
    started = browser.start()
    access_token = "opaque" if claims is None else browser.mint_access_token(**claims)

    response = browser.finish(started, access_token=access_token)

    assert response.status_code == status
    assert browser.is_signed_in() is (status == 200)
    assert ["OAUTH_AUDIENCE_PARAMETER" in line for line in find_failures(log)] == {
        200: [],
        503: [False],
        500: [True],
    }[status]


def test_a_token_of_another_type_signs_nobody_in(browser: Browser) -> None:
    assert browser.finish(browser.start(), token_type="DPoP").status_code == 503


def test_a_failure_ends_no_session(browser: Browser) -> None:
    browser.finish(browser.start())

    assert browser.finish(browser.start(), access_token="opaque").status_code == 500

    assert browser.is_signed_in()


def test_without_keys_nobody_signs_in(browser: Browser) -> None:
    browser.issuer.answers[browser.issuer.jwks_path] = close

    assert browser.finish(browser.start()).status_code == 503


def test_people_who_wait_for_the_issuer_leave_no_place_for_a_ninth(browser: Browser) -> None:
    gate = threading.Event()
    metadata = browser.issuer.openid_path
    browser.issuer.answers[metadata] = after(gate, document(browser.issuer.metadata))

    client = conf.web_client()
    assert client is not None
    waiting = [threading.Thread(target=begin, args=[client, ""]) for _ in range(MAX_WAITING)]
    for thread in waiting:
        thread.start()
    browser.issuer.wait_for_request(MAX_WAITING, metadata)

    assert browser.press_sign_in().status_code == 503

    gate.set()
    for thread in waiting:
        thread.join()
    assert browser.press_sign_in().status_code == 200


@pytest.mark.parametrize("is_refused", [False, True])
def test_no_secret_is_logged_or_shown(
    browser: Browser, is_refused: bool, log: pytest.LogCaptureFixture
) -> None:
    page = browser.press_sign_in("/timesheets")
    started = dict(parse_qsl(urlsplit(find_refresh(page)).query))
    tokens = browser.prepare(started, **({"access_token": "an-opaque-token"} if is_refused else {}))

    response = browser.return_to(started)

    head, form = browser.read_token_request()
    [basic] = [line.split()[-1] for line in head.splitlines() if line.startswith("Authorization")]
    sent = [CODE, quote_plus(CODE), form["code_verifier"][0], SECRET, basic]
    secrets = [*sent, started["nonce"], started["state"]]
    text = format_records(log) + format_response(response)
    assert [each for each in secrets if each in text] == []
    assert find_leaks(f"{tokens['access_token']}.{tokens['id_token']}", text) == []
    assert [each for each in sent if each in format_response(page)] == []


# Afterwards


def test_signing_out_ends_the_session_here_and_at_the_issuer(browser: Browser) -> None:
    end = f"{browser.issuer.url}logout?tenant=1"
    browser.issuer.metadata["end_session_endpoint"] = end
    browser.finish(browser.start())

    address = find_refresh(browser.post("/sign-out"))

    assert address.startswith(f"{end}&")
    assert dict(parse_qsl(urlsplit(address).query)) == {
        "tenant": "1",
        "client_id": CLIENT_ID,
        "post_logout_redirect_uri": "https://timesheets.example.com/",
        "logout_hint": "the-session",
    }
    assert not browser.is_signed_in()


@pytest.mark.parametrize("endpoint", [None, "http://plain.example/logout", "down"])
def test_signing_out_works_without_the_issuer(
    browser: Browser, endpoint: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.issuer.metadata["end_session_endpoint"] = endpoint
    browser.finish(browser.start())
    if endpoint == "down":
        monkeypatch.setattr("timesheets.trust.issuers._kept", {})
        browser.issuer.answers[browser.issuer.openid_path] = close

    response = browser.post("/sign-out")

    assert (response.status_code, response["Location"]) == (302, "/")
    assert not browser.is_signed_in()


def test_a_page_names_the_permission_that_is_missing(browser: Browser) -> None:
    started = browser.start("/timesheets")
    browser.finish(started, access_token=browser.mint_access_token(scope="batch:upload"))

    page = read(browser.client.get("/timesheets", headers={"Accept": "text/html"}))

    assert "does not grant the required scope: read:timesheets" in page
    assert "Ask the people who run this site for this permission" in page


def test_without_a_web_client_there_is_no_callback(issuer: Issuer, settings: Any) -> None:
    settings.TIMESHEETS_BROWSER_SIGN_IN = True

    assert Client().get("/sign-in/callback").status_code == 404
