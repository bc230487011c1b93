"""`/authorize` issues codes for the web client, and `POST /oauth/token` redeems each of them once."""

import html
import re
import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from django.test import Client

from tests.kit.django_client import ClientResponse
from tests.system.devissuer.conftest import AUDIENCE, ISSUER

pytestmark = pytest.mark.urls("timesheets_site.devissuer.urls")

CALLBACK = "http://127.0.0.1:8000/sign-in/callback"
VERIFIER = "v" * 43
REQUEST = {
    "response_type": "code",
    "client_id": "pages",
    "redirect_uri": CALLBACK,
    "scope": "openid profile batch:upload read:timesheets",
    "state": "a state",
    "nonce": "a nonce",
    "code_challenge": create_s256_code_challenge(VERIFIER),
    "code_challenge_method": "S256",
    "resource": AUDIENCE,
}


@pytest.fixture
def code(client: Client) -> str:
    """The code of manager."""
    return sign_in(client, "manager")["code"]


def sign_in(client: Client, person: str) -> dict[str, str]:
    """Press a person's button, and return what the web client gets."""
    path = f"/authorize?{urlencode(REQUEST)}"
    page = client.get(path).content.decode()
    [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    answer = client.post(path, {"csrfmiddlewaretoken": token, "person": person}).content.decode()
    [address] = re.findall(r'<meta http-equiv="refresh" content="0; url=([^"]*)">', answer)
    url = urlsplit(html.unescape(address))
    assert f"{url.scheme}://{url.netloc}{url.path}" == CALLBACK
    return dict(parse_qsl(url.query))


def redeem(client: Client, code: str, **changes: str) -> ClientResponse:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": "pages",
        "client_secret": "the+secret of pages",
    }
    return client.post("/oauth/token", {**form, **changes})


def test_the_page_has_a_button_for_each_person(client: Client) -> None:
    page = client.get("/authorize", REQUEST).content.decode()

    assert re.findall(r"<button [^>]*>(.*?)</button>", page) == ["Sign in as payroll", "Sign in as manager"]


def test_the_tokens_name_the_person_and_grant_what_that_person_may(client: Client) -> None:
    answer = sign_in(client, "manager")

    assert (answer["state"], answer["iss"]) == ("a state", ISSUER)
    tokens = redeem(client, answer["code"]).json()
    claims, person = (
        jwt.decode(tokens[name], options={"verify_signature": False}) for name in ("access_token", "id_token")
    )
    subject = {"sub": "development|manager", "iss": ISSUER}
    assert claims.items() >= {**subject, "aud": AUDIENCE, "azp": "pages", "scope": "read:timesheets"}.items()
    assert person.items() >= {**subject, "aud": "pages", "nonce": "a nonce", "name": "manager"}.items()


def test_a_code_works_once(client: Client, code: str) -> None:
    assert redeem(client, code).status_code == 200
    assert redeem(client, code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(("seconds", "status"), [(59, 200), (61, 400)])
def test_a_code_lives_for_a_minute(
    client: Client, code: str, seconds: float, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr("timesheets_site.devissuer.views.time.time", lambda: now + seconds)

    assert redeem(client, code).status_code == status


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"redirect_uri": f"{CALLBACK}/"}, "invalid_grant"),
        ({"code": "another"}, "invalid_grant"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "payroll"}, "invalid_client"),
    ],
)
def test_a_code_alone_is_not_enough(client: Client, code: str, change: dict[str, str], error: str) -> None:
    response = redeem(client, **{"code": code, **change})

    assert response.json()["error"] == error


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "payroll"},
        {"redirect_uri": f"{CALLBACK}?x"},
        {"redirect_uri": "http://localhost:8000/sign-in/callback"},
        {"response_type": "token"},
        {"code_challenge_method": "plain"},
        {"resource": "https://another.example"},
    ],
)
def test_a_request_that_does_not_fit_gets_no_page(client: Client, change: dict[str, Any]) -> None:
    response = client.get("/authorize", {**REQUEST, **change})

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
