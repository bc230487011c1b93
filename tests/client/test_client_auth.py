"""What a token request contains, and the key that a client signs it with."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
import requests
import responses
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PublicFormat

from tests.client.configurations import COMPLETE, KEYS, SECRET, load, make_config, problems_of, write_pem
from tests.client.conftest import AUDIENCE, SIGNING_KEY
from timesheets_client.access.token_endpoint import make_token_request
from timesheets_client.errors import ConfigurationError
from timesheets_client.network.exchange import Connection, open_session
from timesheets_client.network.messages import Answer, make_printable

TOKEN_URL = "https://example.eu.auth0.com/oauth/token"
NOW = 1_800_000_000
SIGNING_CLIENT = {"AUTH0_CLIENT_SECRET": "", "OAUTH_CLIENT_AUTH": "private_key_jwt"}
SIGNING: dict[str, Any] = {"client_auth": "private_key_jwt", "client_secret": ""}


@pytest.fixture
def issuer() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        mock.post(TOKEN_URL, status=401, json={"error": "access_denied"})
        yield mock


def send(issuer: responses.RequestsMock, **changes: Any) -> requests.PreparedRequest:
    """The token request of a configuration with these changes."""
    with open_session() as session:
        Connection(session=session).send(make_token_request(make_config(**changes), TOKEN_URL, NOW))
    return issuer.calls[-1].request


def read_body(request: requests.PreparedRequest) -> str:
    body = request.body or b""
    return body if isinstance(body, str) else body.decode()


def send_form(issuer: responses.RequestsMock, **changes: Any) -> dict[str, str]:
    request = send(issuer, token_request="form", **changes)
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    return {name: value for name, [value] in parse_qs(read_body(request), strict_parsing=True).items()}


def send_assertion(issuer: responses.RequestsMock, key: PrivateKeyTypes = SIGNING_KEY, **changes: Any) -> str:
    """The assertion of a client with this key."""
    form = send_form(issuer, **SIGNING, private_key=write_pem(key).decode(), **changes)
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert form["client_id"] == "payroll"
    assert "client_secret" not in form
    return form["client_assertion"]


def test_the_request_is_the_one_that_auth0_documents(issuer: responses.RequestsMock) -> None:
    request = send(issuer)

    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body or "") == {
        "grant_type": "client_credentials",
        "client_id": "payroll",
        "client_secret": SECRET,
        "audience": AUDIENCE,
    }


def test_a_form_has_the_parameters_of_rfc_6749(issuer: responses.RequestsMock) -> None:
    assert send_form(issuer, client_secret="a&b=c+d \u00e9") == {
        "grant_type": "client_credentials",
        "client_id": "payroll",
        "client_secret": "a&b=c+d \u00e9",
        "audience": AUDIENCE,
    }


def test_the_audience_has_the_configured_name_or_is_left_out(issuer: responses.RequestsMock) -> None:
    renamed = send_form(issuer, audience_parameter="resource")
    without = send_form(issuer, audience_parameter="none")

    assert renamed["resource"] == AUDIENCE
    assert "audience" not in renamed
    assert set(without) == {"grant_type", "client_id", "client_secret"}


def test_a_configured_scope_is_requested(issuer: responses.RequestsMock) -> None:
    assert send_form(issuer, scope="batch:upload x")["scope"] == "batch:upload x"


def test_basic_credentials_are_encoded_before_they_are_joined(issuer: responses.RequestsMock) -> None:
    request = send(
        issuer,
        client_auth="client_secret_basic",
        token_request="form",
        client_id="pay:roll",
        client_secret="a b%\u00e9",
    )

    scheme, _, credentials = request.headers["Authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(credentials) == b"pay%3Aroll:a+b%25%C3%A9"
    assert "client" not in read_body(request).replace("client_credentials", "")


def test_every_encoding_of_a_secret_is_hidden() -> None:
    config = make_config(client_auth="client_secret_basic", client_secret="a b%c")
    joined = base64.b64encode(b"payroll:a+b%25c").decode()

    request = make_token_request(config, TOKEN_URL, NOW)

    shown = make_printable(f"a b%c, a+b%25c, {joined}", *request.secrets)
    assert shown == "[hidden], [hidden], [hidden]"
    assert joined not in repr(request)


@pytest.mark.parametrize("algorithm", KEYS)
def test_an_assertion_identifies_the_client_for_a_minute(
    issuer: responses.RequestsMock, algorithm: str
) -> None:
    key: Any = KEYS[algorithm]
    assertion = send_assertion(issuer, key, is_auth0=False)

    unchecked: Any = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(assertion, key.public_key(), [algorithm], options=unchecked, audience=TOKEN_URL)
    assert claims.pop("jti")
    assert claims == {"iss": "payroll", "sub": "payroll", "aud": TOKEN_URL, "iat": NOW, "exp": NOW + 60}
    assert jwt.get_unverified_header(assertion) == {"alg": algorithm, "typ": "JWT"}


def test_the_audience_of_an_assertion_for_auth0_is_its_issuer(issuer: responses.RequestsMock) -> None:
    assertion = send_assertion(issuer)

    claims = jwt.decode(assertion, options={"verify_signature": False})
    assert claims["aud"] == "https://example.eu.auth0.com/"


def test_no_two_assertions_are_the_same(issuer: responses.RequestsMock) -> None:
    ids = {jwt.decode(send_assertion(issuer), options={"verify_signature": False})["jti"] for _ in range(3)}

    assert len(ids) == 3


def test_an_echoed_assertion_is_hidden() -> None:
    config = make_config(**SIGNING, private_key=write_pem().decode())
    request = make_token_request(config, TOKEN_URL, NOW)
    echo = {"error_description": f"not {(request.json or {})['client_assertion']}"}

    answer = Answer(url=TOKEN_URL, status=400, document=echo, headers={}, secrets=request.secrets)

    assert answer.quote("error_description") == "not [hidden]"
    assert SECRET not in repr(request)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a key."""
    (tmp_path / "key.pem").touch(0o600)
    (tmp_path / "key.pem").write_bytes(write_pem())
    return tmp_path / "key.pem"


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_client_can_sign_instead_of_sending_a_secret(path: Path, algorithm: str) -> None:
    path.write_bytes(write_pem(KEYS[algorithm]))

    config = load(**SIGNING_CLIENT, AUTH0_PRIVATE_KEY_FILE=str(path))

    assert config.private_key.startswith("-----BEGIN PRIVATE KEY-----")
    assert config.private_key not in repr(config)
    assert config.client_secret == ""


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(write_pem(encryption=BestAvailableEncryption(b"open sesame")), id="a passphrase"),
        pytest.param(write_pem(ec.generate_private_key(ec.SECP256K1())), id="another curve"),
        pytest.param(write_pem(rsa.generate_private_key(65537, key_size=1024)), id="short RSA"),  # noqa: S505
        pytest.param(SECRET.encode(), id="a secret"),
        pytest.param(b"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----", id="broken"),
        pytest.param(
            SIGNING_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            id="public",
        ),
    ],
)
def test_a_file_without_a_key_that_signs_is_refused_and_not_quoted(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match="contains no private key in PEM") as caught:
        load(**SIGNING_CLIENT, AUTH0_PRIVATE_KEY_FILE=str(path))

    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param(SIGNING_CLIENT, "AUTH0_PRIVATE_KEY_FILE", id="no key"),
        pytest.param({"AUTH0_PRIVATE_KEY_FILE": "key.pem"}, "AUTH0_PRIVATE_KEY_FILE", id="a key, no method"),
        *(
            pytest.param(SIGNING_CLIENT | {name: "x"}, name, id="a key and a secret")
            for name in ("AUTH0_CLIENT_SECRET", "AUTH0_CLIENT_SECRET_FILE")
        ),
    ],
)
def test_a_key_has_its_method_and_no_secret_beside_it(
    path: Path, changes: dict[str, str], named: str
) -> None:
    key = {} if changes is SIGNING_CLIENT else {"AUTH0_PRIVATE_KEY_FILE": str(path)}

    assert problems_of(COMPLETE | key | changes) == [named]
