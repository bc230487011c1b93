"""Third-party clients get a token and upload. They know the standards, but not this project."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError
from requests_oauthlib import OAuth2Session as RequestsOAuthlibSession

from tests.kit.processes import make_environment
from tests.kit.servers import DevelopmentServer

ENTRY = {"user_id": "007", "date": "2017-05-10T17:40:20.095Z", "project": "StoreZero", "hours": 5}
BATCH = [{**ENTRY, "hours": hours} for hours in (1, 2.5, 25)]
VERDICTS = [201, 201, 422]
SECRETS = {client: f"development-secret-of-{client}" for client in ("payroll", "reporting")}
# As at Auth0, people must tell a client the audience, because no metadata contains it.
AUDIENCE = "https://timesheets.example.com"
BROKEN_TOKEN = {"access_token": "eyJhbGciOiJSUzI1NiJ9.e30.AAAA", "token_type": "Bearer"}


@pytest.fixture
def upload_url(server: DevelopmentServer) -> str:
    return f"{server.url}/timesheets/upload"


@pytest.fixture
def token_url(server: DevelopmentServer) -> str:
    return f"{server.url}/oauth/token"


def read_outcome(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def read_verdicts(batch: Any) -> list[int]:
    return [entry["status"] for entry in batch["entries"]]


# curl, as in a script


@pytest.mark.shell
def test_curl_gets_a_token_by_json_and_uploads_a_batch(token_url: str, upload_url: str) -> None:
    credentials = {"client_id": "payroll", "client_secret": SECRETS["payroll"], "audience": AUDIENCE}
    _, grant = curl(*send_json({"grant_type": "client_credentials", **credentials}), token_url)

    status, body = curl("--oauth2-bearer", grant["access_token"], *send_json(BATCH), upload_url)

    assert (status, read_verdicts(body)) == (207, VERDICTS)


@pytest.mark.shell
def test_curl_gets_a_token_by_basic_and_uploads_a_file(
    token_url: str, upload_url: str, tmp_path: Path
) -> None:
    form = ["--data", f"grant_type=client_credentials&audience={AUDIENCE}"]
    _, grant = curl("--user", f"payroll:{SECRETS['payroll']}", *form, token_url)
    file = tmp_path / "week19.csv"
    file.write_text("user_id,date,project,hours\n007,2017-05-10,StoreZero,5\n008,2017-05-10,StoreZero,7\n")

    sending = ["--header", "Content-Type: text/csv", "--data-binary", f"@{file}"]
    status, body = curl("--oauth2-bearer", grant["access_token"], *sending, upload_url)

    assert (status, read_verdicts(body)) == (207, [201, 201])


def curl(*arguments: str) -> tuple[int, Any]:
    """Return the status and the JSON body of the response."""
    ended = subprocess.run(
        # `--disable` ignores the developer's .curlrc.
        ["curl", "--disable", "--silent", "--write-out", "\n%{http_code}", *arguments],
        env=make_environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    body, _, status = ended.stdout.rpartition("\n")
    return int(status), json.loads(body)


def send_json(body: Any) -> list[str]:
    return ["--header", "Content-Type: application/json", "--data", json.dumps(body)]


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


def test_a_client_learns_which_scope_is_missing(upload_url: str) -> None:
    response = post_with_bearer(upload_url, discover_token(upload_url, "reporting", scope=""), ENTRY)

    assert read_outcome(response) == (403, "insufficient_scope")
    challenge = read_challenge(response)
    assert (challenge["error"], challenge["scope"]) == ("insufficient_scope", "batch:upload")


def test_a_client_with_a_broken_token_finds_the_metadata_again(upload_url: str) -> None:
    response = post_with_bearer(upload_url, BROKEN_TOKEN["access_token"], ENTRY)

    assert read_outcome(response) == (401, "invalid_token")
    assert read_challenge(response)["error"] == "invalid_token"
    assert get_json(read_challenge(response)["resource_metadata"])["resource"] == upload_url


def discover_token(url: str, client: str, scope: str | None = None) -> str:
    """Get a token for the API at `url`, for `scope` or for all scopes that the API supports."""
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
    scope = " ".join(resource["scopes_supported"]) if scope is None else scope
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
