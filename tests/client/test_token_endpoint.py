"""How each answer of a token endpoint is read."""

import json
from typing import Any

import pytest
import responses

from tests.client.configurations import make_config, write_pem
from tests.client.conftest import AUDIENCE, mint_token, token_document
from timesheets_client.access.issued_tokens import UPLOAD_SCOPE, AccessToken, accept_token
from timesheets_client.access.token_endpoint import make_token_request, read_issued_token
from timesheets_client.errors import AccessRefused, ConfigurationError
from timesheets_client.network.exchange import Connection, open_session

TOKEN_URL = "https://example.eu.auth0.com/oauth/token"


def request_token(body: str = "", status: int = 200, **changes: Any) -> AccessToken:
    """The token from one request, which gets this answer, of a configuration with these changes."""
    config = make_config(**changes)
    with responses.RequestsMock() as issuer, open_session() as session:
        elsewhere = {"Location": "https://elsewhere.example.com/"}
        issuer.post(TOKEN_URL, body, status=status, headers=elsewhere, auto_calculate_content_length=True)
        message = make_token_request(config, config.token_url, 1_800_000_000)
        answer = Connection(session=session).send(message)
    issued = read_issued_token(answer, config, 1_800_000_000)
    return accept_token(issued, config, [UPLOAD_SCOPE], is_from_cache=False)


def accept(token: str, **members: Any) -> AccessToken:
    """What becomes of a token that the issuer returns, with these members beside it."""
    return request_token(json.dumps(token_document(token) | members))


@pytest.mark.parametrize("token_type", ["Bearer", "bearer", "BEARER"])
def test_the_case_of_the_token_type_does_not_matter(token_type: str) -> None:
    assert accept(mint_token(), token_type=token_type).value


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"scope": "batch:upload"}, id="scope as a string"),
        pytest.param({"scope": "read:timesheets batch:upload"}, id="one of two scopes"),
        pytest.param({"scope": ["read:timesheets", "batch:upload"]}, id="scope as a list"),
        pytest.param({"scope": None, "scp": "batch:upload"}, id="scp as a string"),
        pytest.param({"scope": None, "scp": ["batch:upload"]}, id="scp as a list"),
        pytest.param({"aud": ["https://other.example.com", AUDIENCE]}, id="aud as a list"),
    ],
)
def test_a_token_for_the_api_is_accepted_in_every_form(claims: dict[str, Any]) -> None:
    token = mint_token(**claims)

    assert accept(token).value == token


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        pytest.param({"scope": "read:timesheets"}, "read:timesheets", id="another scope"),
        pytest.param({"scope": "batch:uploads"}, "batch:uploads", id="a longer scope"),
        pytest.param({"scope": "Batch:Upload"}, "Batch:Upload", id="another case"),
        pytest.param({"scope": None}, "none", id="no scope"),
        pytest.param({"scope": {"batch:upload": True}}, "none", id="neither string nor list"),
        pytest.param({"scope": [7, None]}, "none", id="a list without strings"),
    ],
)
def test_a_token_without_the_scope_is_refused(claims: dict[str, Any], scopes: str) -> None:
    with pytest.raises(AccessRefused, match=rf"lacks the scope batch:upload \(its scopes: {scopes}\); grant"):
        accept(mint_token(**claims))


@pytest.mark.parametrize(
    ("aud", "named"),
    [
        pytest.param("https://other.example.com", "https://other.example.com", id="another"),
        pytest.param(["https://other.example.com", "x"], "https://other.example.com, x", id="several others"),
        pytest.param(f"{AUDIENCE}/", f"{AUDIENCE}/", id="an extra slash"),
        pytest.param(None, "no API", id="none"),
    ],
)
def test_a_token_for_another_api_is_a_configuration_error(aud: object, named: str) -> None:
    problem = f"a token for {named}, not for {AUDIENCE}; check that AUTH0_AUDIENCE"
    with pytest.raises(ConfigurationError, match=problem):
        accept(mint_token(aud=aud))


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("opaque-token", id="opaque"),
        pytest.param("a.b", id="two parts"),
        pytest.param("a.b.c.d.e", id="encrypted"),
        pytest.param("e30.bm9uZQ.e30", id="payload that is not JSON"),
        pytest.param("e30.W10.e30", id="payload that is a list"),
        pytest.param("e30.e.e30", id="payload that is not base64"),
        pytest.param(f"e30.{'W1tb' * 50_000}.e30", id="deeply nested payload"),
        pytest.param("e30.e30.e30\r\nX-Injected: 1", id="line break"),
        pytest.param("", id="empty"),
    ],
)
def test_a_token_that_is_not_a_jwt_is_a_configuration_error(token: str) -> None:
    with pytest.raises(ConfigurationError, match=r"not a JWT.*AUTH0_AUDIENCE"):
        accept(token)


@pytest.mark.parametrize(
    ("status", "body", "shown"),
    [
        (
            401,
            '{"error": "access_denied", "error_description": "No"}',
            "access_denied: No; check AUTH0_CLIENT_ID",
        ),
        (403, '{"error": "access_denied"}', "access_denied; check AUTH0_AUDIENCE"),
        (403, '{"error": "unauthorized_client"}', "unauthorized_client; allow this client the grant type"),
        # The names of RFC 6749.
        (
            400,
            '{"error": "invalid_client"}',
            "invalid_client; check AUTH0_CLIENT_ID and AUTH0_CLIENT_SECRET, and",
        ),
        (
            400,
            '{"error": "invalid_request"}',
            "invalid_request; check AUTH0_CLIENT_ID and AUTH0_CLIENT_SECRET, A",
        ),
        (400, '{"error": "invalid_scope"}', "invalid_scope; check OAUTH_SCOPE"),
        *((status, "", "; check AUTH0_CLIENT_ID") for status in (400, 401)),
        *((403, body, "; check AUTH0_AUDIENCE") for body in ("", "<html>", '{"error": 7}')),
    ],
)
def test_a_refusal_says_what_to_do(status: int, body: str, shown: str) -> None:
    with pytest.raises(AccessRefused, match=rf"token request refused: {status} ?{shown}"):
        request_token(body, status)


def test_a_refused_client_that_signs_must_check_its_key() -> None:
    signing = {
        "client_auth": "private_key_jwt",
        "private_key": write_pem().decode(),
        "client_secret": "",
    }

    with pytest.raises(AccessRefused, match="; check AUTH0_CLIENT_ID and AUTH0_PRIVATE_KEY_FILE"):
        request_token('{"error": "access_denied"}', 401, **signing)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(302, "", id="redirect"),
        pytest.param(307, "", id="redirect that keeps the body"),
        pytest.param(404, "<html>", id="not found"),
        pytest.param(405, "", id="not allowed"),
        pytest.param(200, "<html>", id="HTML"),
        pytest.param(200, "", id="empty"),
        pytest.param(204, "", id="no content"),
        pytest.param(200, "[7]", id="a list"),
        pytest.param(200, "[" * 100_000, id="deeply nested"),
        pytest.param(200, "{}", id="no token"),
        pytest.param(200, '{"access_token": 7, "token_type": "Bearer"}', id="a number as a token"),
        pytest.param(201, json.dumps(token_document("a.b.c")), id="201"),
    ],
)
def test_an_answer_from_no_token_endpoint_is_a_configuration_error(status: int, body: str) -> None:
    problem = f"not an answer from a token endpoint: {status}; check AUTH0_DOMAIN"
    with pytest.raises(ConfigurationError, match=problem):
        request_token(body, status)


@pytest.mark.parametrize("token_type", ["DPoP", "", None, 7])
def test_a_token_of_another_type_is_refused(token_type: object) -> None:
    with pytest.raises(ConfigurationError, match="not of the type Bearer"):
        accept(mint_token(), token_type=token_type)


@pytest.mark.parametrize(
    ("claims", "expires_in", "lifetime"),
    [
        pytest.param({"iat": 1000, "exp": 4600}, 3600, 3600, id="both agree"),
        pytest.param({"iat": 1000, "exp": 4600}, 86400, 3600, id="the claims are earlier"),
        pytest.param({"iat": 1000, "exp": 4600}, 60, 60, id="expires_in is earlier"),
        pytest.param({"iat": 1000, "exp": 4600}, None, 3600, id="no expires_in"),
        pytest.param({"iat": 1000, "exp": 4600}, "soon", 3600, id="expires_in is a word"),
        pytest.param({"iat": 1000, "exp": 4600}, 10**400, 3600, id="expires_in is larger than any float"),
        pytest.param({"iat": 1000, "exp": 4600}, -5, 0, id="expires_in is negative"),
        pytest.param({"iat": 4600, "exp": 1000}, None, 0, id="exp before iat"),
        pytest.param({"iat": None, "exp": 1_800_000_060}, None, 60, id="no iat: by our clock"),
        pytest.param({"iat": "x", "exp": 4600}, 60, 60, id="iat is a word"),
        pytest.param({"iat": True, "exp": 4600}, None, 0, id="iat is true"),
        pytest.param({"iat": 0, "exp": 1e18}, None, 0, id="exp is later than any date"),
        pytest.param({"iat": 0, "exp": float("nan")}, None, 0, id="exp is NaN"),
        pytest.param({"iat": None, "exp": None}, 60, 60, id="no claims"),
        pytest.param({"iat": None, "exp": None}, None, 0, id="nothing"),
    ],
)
def test_a_token_expires_at_the_earlier_of_its_stated_expiries(
    claims: dict[str, Any], expires_in: object, lifetime: float
) -> None:
    assert accept(mint_token(**claims), expires_in=expires_in).expires_at == 1_800_000_000 + lifetime


def test_the_scopes_of_a_token_are_safe_to_print() -> None:
    assert (
        accept(mint_token(scope="batch:upload \x1b[31m", scp=["other"])).scopes == "batch:upload  [31m other"
    )
