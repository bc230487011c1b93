"""Third-party clients get a token and upload. They know the standards, but not this project."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError
from requests_oauthlib import OAuth2Session as RequestsOAuthlibSession

from tests.kit.servers import ENTRY, DevelopmentServer

BATCH = [{**ENTRY, "hours": hours} for hours in (1, 2.5, 25)]
VERDICTS = [201, 201, 422]
SECRETS = {client: f"development-secret-of-{client}" for client in ("payroll", "reporting")}
# As at Auth0, people must tell a client the audience, because no metadata contains it.
AUDIENCE = "https://timesheets.example.com"


@pytest.fixture
def upload_url(server: DevelopmentServer) -> str:
    return f"{server.url}/timesheets/upload"


@pytest.fixture
def token_url(server: DevelopmentServer) -> str:
    return f"{server.url}/oauth/token"


def read_verdicts(batch: Any) -> list[int]:
    return [entry["status"] for entry in batch["entries"]]


# requests-oauthlib, as its manual's example for backend applications


@pytest.fixture
def requests_oauthlib(monkeypatch: pytest.MonkeyPatch) -> Iterator[RequestsOAuthlibSession]:
    # It refuses http, even on loopback.
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with RequestsOAuthlibSession(client=BackendApplicationClient(client_id="payroll")) as session:
        yield session


@pytest.mark.parametrize("in_body", [pytest.param(True, id="post"), pytest.param(False, id="basic")])
def test_requests_oauthlib_uploads(
    requests_oauthlib: RequestsOAuthlibSession, token_url: str, upload_url: str, in_body: bool
) -> None:
    requests_oauthlib.fetch_token(
        token_url, client_secret=SECRETS["payroll"], audience=AUDIENCE, include_client_id=in_body
    )

    entry = requests_oauthlib.post(upload_url, json=ENTRY)
    batch = requests_oauthlib.post(upload_url, json=BATCH)

    assert (entry.status_code, batch.status_code) == (201, 207)
    assert read_verdicts(batch.json()) == VERDICTS


def test_requests_oauthlib_recognizes_a_wrong_secret(
    requests_oauthlib: RequestsOAuthlibSession, token_url: str
) -> None:
    with pytest.raises(InvalidClientError):
        requests_oauthlib.fetch_token(token_url, client_secret="mistyped", audience=AUDIENCE)


# Authlib, configured with the issuer's metadata


@pytest.fixture
def metadata(server: DevelopmentServer) -> dict[str, Any]:
    response = requests.get(f"{server.url}/.well-known/openid-configuration", timeout=30)
    return dict(response.json())


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlib_uploads(metadata: dict[str, Any], upload_url: str, method: str) -> None:
    with open_authlib("payroll", metadata, token_endpoint_auth_method=method) as session:
        session.fetch_token(grant_type="client_credentials", audience=AUDIENCE)

        entry = session.post(upload_url, json=ENTRY)
        batch = session.post(upload_url, json=BATCH)

    assert (entry.status_code, batch.status_code) == (201, 207)
    assert read_verdicts(batch.json()) == VERDICTS


def open_authlib(client: str, metadata: dict[str, Any], **options: Any) -> AuthlibSession:
    return AuthlibSession(client, SECRETS[client], **metadata, **options)


# A client that knows the API's address, its credentials and the audience, and discovers the rest (RFC 9728)


def test_a_client_discovers_the_issuer_from_the_apis_address(upload_url: str) -> None:
    token = discover_token(upload_url, "payroll")

    entry = post_with_bearer(upload_url, token, ENTRY)
    batch = post_with_bearer(upload_url, token, BATCH)

    assert (entry.status_code, batch.status_code) == (201, 207)
    assert read_verdicts(batch.json()) == VERDICTS


def discover_token(url: str, client: str) -> str:
    """Get a token for the API at `url`, for all scopes that it supports."""
    challenge = read_challenge(requests.post(url, timeout=30))
    resource = get_json(challenge["resource_metadata"])
    # RFC 9728 section 3.3: a client must not use the metadata of another resource.
    assert resource["resource"] == url
    [issuer] = resource["authorization_servers"]
    server = get_json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    # OpenID Connect Discovery section 4.3: nor the metadata of another issuer.
    assert server["issuer"] == issuer
    assert "client_credentials" in server["grant_types_supported"]
    assert "client_secret_basic" in server["token_endpoint_auth_methods_supported"]
    scope = " ".join(resource["scopes_supported"])
    response = requests.post(
        server["token_endpoint"],
        data={"grant_type": "client_credentials", "audience": AUDIENCE, "scope": scope},
        auth=(client, SECRETS[client]),
        timeout=30,
    )
    assert response.json()["token_type"] == "Bearer"
    return str(response.json()["access_token"])


def get_json(url: str) -> Any:
    response = requests.get(url, timeout=30)
    response.raise_for_status()
    return response.json()


def post_with_bearer(url: str, token: str, body: Any) -> requests.Response:
    return requests.post(url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=30)


def read_challenge(response: requests.Response) -> dict[str, str]:
    """Return the parameters of a Bearer challenge (RFC 9110 section 11.6.1). All are quoted here."""
    scheme, _, parameters = response.headers["WWW-Authenticate"].partition(" ")
    assert scheme == "Bearer"
    return dict(re.findall(r'(\w+)="([^"]*)"', parameters))
