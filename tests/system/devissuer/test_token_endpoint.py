"""`POST /oauth/token` issues tokens as Auth0 does, and refuses requests as RFC 6749 specifies."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from django.test import Client

from tests.kit.django_client import ClientResponse
from tests.system.devissuer.conftest import AUDIENCE, ISSUER, RequestToken, basic

pytestmark = pytest.mark.urls("timesheets_site.devissuer.urls")

FORM = "application/x-www-form-urlencoded"


def post_form(
    client: Client, parameters: dict[str, str] | list[tuple[str, str]], **extra: Any
) -> ClientResponse:
    return client.post("/oauth/token", urlencode(parameters), content_type=FORM, **extra)


def assert_refused(response: ClientResponse, status: int, error: str) -> None:
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert (response["Cache-Control"], response["Pragma"]) == ("no-store", "no-cache")
    assert response["Content-Type"] == "application/json"


def test_a_client_gets_a_bearer_token_that_lasts_a_day(request_token: RequestToken) -> None:
    response = request_token()

    assert response.status_code == 200
    body = response.json()
    assert body.pop("access_token")
    assert body == {
        "token_type": "Bearer",
        "expires_in": 86400,
        "scope": "batch:upload read:timesheets",
    }


def test_a_token_must_not_be_cached(request_token: RequestToken) -> None:
    response = request_token()

    assert response["Cache-Control"] == "no-store"
    assert response["Pragma"] == "no-cache"


def test_the_published_key_verifies_the_token(client: Client, request_token: RequestToken) -> None:
    token = request_token().json()["access_token"]

    key_set = jwt.PyJWKSet.from_dict(client.get("/.well-known/jwks.json").json())
    key = key_set[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER)
    assert claims["azp"] == "payroll"


def test_a_form_is_accepted(client: Client, parameters: dict[str, str]) -> None:
    response = post_form(client, parameters)

    assert response.status_code == 200


def test_http_basic_is_accepted(client: Client, parameters: dict[str, str]) -> None:
    headers = basic(parameters.pop("client_id"), parameters.pop("client_secret"))

    response = post_form(client, parameters, headers=headers)

    assert response.status_code == 200


def test_http_basic_with_the_same_client_id_in_the_body_is_accepted(
    client: Client, parameters: dict[str, str]
) -> None:
    headers = basic("payroll", parameters.pop("client_secret"))

    response = post_form(client, parameters, headers=headers)

    assert response.status_code == 200


@pytest.mark.parametrize(
    "omitted",
    [
        pytest.param(["client_id"], id="secret in the body too"),
        pytest.param([], id="id and secret in the body too"),
    ],
)
def test_credentials_in_two_places_are_refused(
    client: Client, parameters: dict[str, str], omitted: str
) -> None:
    headers = basic("payroll", parameters["client_secret"])
    body = {name: value for name, value in parameters.items() if name not in omitted}

    response = post_form(client, body, headers=headers)

    assert_refused(response, 400, "invalid_request")


def test_http_basic_with_another_client_id_in_the_body_is_refused(
    client: Client, parameters: dict[str, str]
) -> None:
    headers = basic("payroll", parameters.pop("client_secret"))

    response = post_form(client, {**parameters, "client_id": "reporting"}, headers=headers)

    assert_refused(response, 400, "invalid_request")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"client_secret": "wrong"}, id="wrong secret"),
        pytest.param({"client_secret": None}, id="no secret"),
        pytest.param({"client_secret": ""}, id="empty secret"),
        pytest.param({"client_id": None}, id="no client"),
        pytest.param({"client_id": None, "client_secret": None}, id="neither"),
        pytest.param({"client_id": "stranger"}, id="unknown client"),
        pytest.param({"client_id": "stranger", "client_secret": ""}, id="unknown client without secret"),
        pytest.param({"client_id": "reporting"}, id="another client's secret"),
    ],
)
def test_a_client_without_valid_credentials_is_refused(
    request_token: RequestToken, changes: dict[str, str | None]
) -> None:
    assert_refused(request_token(**changes), 401, "invalid_client")


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param(basic("payroll", "wrong")["Authorization"], id="wrong secret"),
        pytest.param("Basic not base64", id="not base64"),
        pytest.param("Basic cGF5cm9sbA==", id="no colon"),
        pytest.param("Basic /w==", id="not UTF-8"),
        pytest.param("Basic", id="nothing"),
    ],
)
def test_wrong_credentials_in_the_header_get_a_challenge(
    client: Client, parameters: dict[str, str], authorization: str
) -> None:
    del parameters["client_id"], parameters["client_secret"]

    response = post_form(client, parameters, headers={"Authorization": authorization})

    assert_refused(response, 401, "invalid_client")
    assert response["WWW-Authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize(
    ("found", "written"),
    [
        pytest.param("Basic ", "Bearer ", id="another scheme"),
        pytest.param("Basic ", "Basic !", id="not base64"),
    ],
)
def test_correct_credentials_in_malformed_basic_are_refused(
    client: Client, parameters: dict[str, str], found: str, written: str
) -> None:
    authorization = basic("payroll", parameters.pop("client_secret"))["Authorization"]

    headers = {"Authorization": authorization.replace(found, written)}
    response = post_form(client, parameters, headers=headers)

    assert_refused(response, 401, "invalid_client")


def test_an_empty_parameter_counts_as_omitted(client: Client, parameters: dict[str, str]) -> None:
    headers = basic("payroll", parameters["client_secret"])

    response = post_form(client, {**parameters, "client_id": "", "client_secret": ""}, headers=headers)

    assert response.status_code == 200


def test_a_client_without_a_secret_is_always_refused(
    client: Client, request_token: RequestToken, settings: Any
) -> None:
    settings.DEVISSUER_CLIENTS = {"payroll": {"client_secret": "", "scope": "batch:upload"}}

    assert_refused(request_token(client_secret=None), 401, "invalid_client")


def test_a_grant_other_than_client_credentials_is_refused(request_token: RequestToken) -> None:
    assert_refused(request_token(grant_type="password"), 400, "unsupported_grant_type")


@pytest.mark.parametrize("grant_type", [pytest.param(None, id="absent"), pytest.param("", id="empty")])
def test_a_request_without_grant_type_is_refused(request_token: RequestToken, grant_type: Any) -> None:
    assert_refused(request_token(grant_type=grant_type), 400, "invalid_request")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param("application/json", "{", id="broken JSON"),
        pytest.param("application/json", "", id="empty JSON"),
        pytest.param("application/json", b'{"grant_type": "\xff"}', id="JSON not in UTF-8"),
        pytest.param("application/json", "[" * 10_000, id="deep JSON"),
        pytest.param("application/json", '[["grant_type", "client_credentials"]]', id="JSON array"),
        pytest.param("application/json", '"client_credentials"', id="JSON string"),
        pytest.param(FORM, b"grant_type=\xff", id="form not in ASCII"),
        pytest.param(FORM, "grant_type=%FF", id="form not in UTF-8"),
        pytest.param("text/plain", "grant_type=client_credentials", id="another content type"),
        pytest.param("multipart/form-data; boundary=x", "--x--", id="multipart"),
    ],
)
def test_a_malformed_body_is_refused(client: Client, content_type: str, body: bytes) -> None:
    response = client.post("/oauth/token", body, content_type=content_type)

    assert_refused(response, 400, "invalid_request")


def test_a_parameter_repeated_in_a_form_is_refused(client: Client, parameters: dict[str, str]) -> None:
    response = post_form(client, [*parameters.items(), ("audience", AUDIENCE)])

    assert_refused(response, 400, "invalid_request")
    assert "audience is repeated" in response.json()["error_description"]


def test_a_parameter_repeated_in_json_is_refused(client: Client, parameters: dict[str, str]) -> None:
    body = json.dumps(parameters).removesuffix("}") + f', "audience": "{AUDIENCE}"}}'

    response = client.post("/oauth/token", body, content_type="application/json")

    assert_refused(response, 400, "invalid_request")
    assert "audience is repeated" in response.json()["error_description"]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(7, id="number"),
        pytest.param(["payroll"], id="array"),
        pytest.param({"id": "payroll"}, id="object"),
        pytest.param(True, id="boolean"),
        pytest.param("päyroll", id="not ASCII"),
        pytest.param("\ud800", id="lone surrogate"),
        pytest.param("payroll\n", id="newline"),
    ],
)
def test_a_parameter_must_be_a_printable_string(request_token: RequestToken, value: Any) -> None:
    assert_refused(request_token(client_id=value), 400, "invalid_request")


def test_a_body_over_the_limit_is_refused(request_token: RequestToken) -> None:
    response = request_token(audience="x" * 20_000)

    assert_refused(response, 400, "invalid_request")
    assert "16384 bytes" in response.json()["error_description"]


def test_an_unknown_audience_is_refused_by_name(request_token: RequestToken) -> None:
    response = request_token(audience="https://wages.example.com")

    assert_refused(response, 403, "access_denied")
    assert response.json()["error_description"] == (
        f"Service not found: https://wages.example.com. The only one here is {AUDIENCE}"
    )


def test_a_request_without_audience_is_told_which_to_send(request_token: RequestToken) -> None:
    response = request_token(audience=None)

    assert_refused(response, 403, "access_denied")
    assert response.json()["error_description"] == (
        f"No audience parameter was provided. The only one here is {AUDIENCE}"
    )


def test_a_requested_scope_limits_the_token(request_token: RequestToken) -> None:
    response = request_token(scope="batch:upload")

    body = response.json()
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert (body["scope"], claims["scope"]) == ("batch:upload", "batch:upload")


def test_a_scope_that_is_not_granted_is_refused_by_name(request_token: RequestToken) -> None:
    response = request_token(scope="read:timesheets admin")

    assert_refused(response, 400, "invalid_scope")
    assert response.json()["error_description"] == "This client is not granted: admin"


def test_a_description_contains_only_characters_that_rfc_6749_allows(request_token: RequestToken) -> None:
    response = request_token(audience='"quoted\\"')

    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", response.json()["error_description"])


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "options"])
def test_only_post_is_allowed(client: Client, method: str) -> None:
    response = getattr(client, method)("/oauth/token")

    assert response.status_code == 405
    assert response["Allow"] == "POST"


def test_no_csrf_token_is_required(parameters: dict[str, str]) -> None:
    client = Client(enforce_csrf_checks=True)

    assert post_form(client, parameters).status_code == 200


def test_a_server_on_the_wrong_port_says_how_to_start_it(client: Client, parameters: dict[str, str]) -> None:
    response = post_form(client, parameters, SERVER_PORT="8001")

    assert_refused(response, 400, "invalid_request")
    description = response.json()["error_description"]
    assert "TIMESHEETS_DEV_PORT=8001 python manage.py runserver 8001" in description


def test_an_unusable_key_file_is_named_only_in_the_log(
    request_token: RequestToken, key_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key_file.write_text("not a key")

    response = request_token()

    assert_refused(response, 500, "server_error")
    assert str(key_file) in caplog.text
    assert str(key_file) not in response.content.decode()
