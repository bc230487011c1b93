"""`POST /oauth/token` issues tokens like Auth0's, and refuses requests as Auth0 and RFC 6749 do."""

import time
from base64 import b64encode
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import pytest
from django.test import Client

from tests.kit.django_client import ClientResponse
from tests.system.devissuer.conftest import AUDIENCE, ISSUER, RequestToken

pytestmark = pytest.mark.urls("timesheets_site.devissuer.urls")


def post_form(client: Client, parameters: dict[str, str], authorization: str | None = None) -> ClientResponse:
    headers = {} if authorization is None else {"Authorization": authorization}
    form = "application/x-www-form-urlencoded"
    return client.post("/oauth/token", urlencode(parameters), content_type=form, headers=headers)


def basic(client_id: str, client_secret: str) -> str:
    """The header of a client that authenticates with HTTP Basic (RFC 6749 section 2.3.1)."""
    credentials = f"{quote(client_id)}:{quote(client_secret)}"
    return f"Basic {b64encode(credentials.encode()).decode()}"


def assert_refused(response: ClientResponse, status: int, error: str) -> None:
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response["Cache-Control"] == "no-store"


def test_a_token_has_auth0s_claims_and_the_published_key_verifies_it(
    client: Client, request_token: RequestToken
) -> None:
    response = request_token()

    body = response.json()
    token = body.pop("access_token")
    assert body == {"token_type": "Bearer", "expires_in": 86400, "scope": "batch:upload read:timesheets"}
    assert response["Cache-Control"] == "no-store"
    header = jwt.get_unverified_header(token)
    key = jwt.PyJWKSet.from_dict(client.get("/.well-known/jwks.json").json())[header["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER)
    assert header == {"typ": "JWT", "alg": "RS256", "kid": key.key_id}
    issued_at = claims.pop("iat")
    assert time.time() - 60 < issued_at <= time.time()
    assert claims == {
        "iss": ISSUER,
        "sub": "payroll@clients",
        "aud": AUDIENCE,
        "exp": issued_at + 86400,
        "gty": "client-credentials",
        "azp": "payroll",
        "scope": "batch:upload read:timesheets",
    }


def test_a_form_is_accepted(client: Client, parameters: dict[str, str]) -> None:
    assert post_form(client, parameters).status_code == 200


@pytest.mark.parametrize("left_out", [["client_id", "client_secret"], ["client_secret"]])
def test_http_basic_is_accepted(client: Client, parameters: dict[str, str], left_out: list[str]) -> None:
    authorization = basic("payroll", parameters["client_secret"])
    form = {name: value for name, value in parameters.items() if name not in left_out}

    assert post_form(client, form, authorization).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"client_secret": "wrong"}, id="wrong secret"),
        pytest.param({"client_secret": None}, id="no secret"),
        pytest.param({"client_id": None}, id="no client"),
        pytest.param({"client_id": ["payroll"]}, id="no text"),
        pytest.param({"client_id": "stranger", "client_secret": None}, id="unknown client without secret"),
        pytest.param({"client_id": "reporting"}, id="another client's secret"),
    ],
)
def test_a_client_without_valid_credentials_is_refused(
    request_token: RequestToken, changes: dict[str, Any]
) -> None:
    assert_refused(request_token(**changes), 401, "invalid_client")


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param(basic("payroll", "wrong"), id="wrong secret"),
        pytest.param("Bearer cGF5cm9sbDo=", id="another scheme"),
        pytest.param("Basic not base64", id="not base64"),
        pytest.param("Basic cGF5cm9sbA==", id="no colon"),
    ],
)
def test_wrong_credentials_in_the_header_get_a_challenge(
    client: Client, parameters: dict[str, str], authorization: str
) -> None:
    response = post_form(client, parameters, authorization)

    assert_refused(response, 401, "invalid_client")
    assert response["WWW-Authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize("grant_type", ["password", None])
def test_a_grant_other_than_client_credentials_is_refused(
    request_token: RequestToken, grant_type: str | None
) -> None:
    assert_refused(request_token(grant_type=grant_type), 400, "unsupported_grant_type")


@pytest.mark.parametrize("body", ["{", b'{"grant_type": "\xff"}', '"client_credentials"'])
def test_a_body_that_is_no_json_object_is_refused(client: Client, body: str | bytes) -> None:
    response = client.post("/oauth/token", body, content_type="application/json")

    assert_refused(response, 400, "invalid_request")


@pytest.mark.parametrize(
    ("audience", "problem"),
    [
        ("https://wages.example.com", "Service not found: https://wages.example.com"),
        (None, "No audience parameter was provided"),
    ],
)
def test_another_audience_is_refused_in_auth0s_words(
    request_token: RequestToken, audience: str | None, problem: str
) -> None:
    response = request_token(audience=audience)

    assert_refused(response, 403, "access_denied")
    assert response.json()["error_description"] == f"{problem}. The only one here is {AUDIENCE}"


def test_a_requested_scope_limits_the_token(request_token: RequestToken) -> None:
    body = request_token(scope="batch:upload").json()

    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert (body["scope"], claims["scope"]) == ("batch:upload", "batch:upload")


def test_a_scope_that_is_not_granted_is_refused_by_name(request_token: RequestToken) -> None:
    response = request_token(scope="read:timesheets admin")

    assert_refused(response, 400, "invalid_scope")
    assert response.json()["error_description"] == "This client is not granted: admin"
