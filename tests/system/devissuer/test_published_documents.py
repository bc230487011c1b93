"""The issuer publishes its key and metadata, and serves only its own machine."""

import re

import pytest
from authlib.oauth2.rfc8414 import get_well_known_url
from django.test import Client

from tests.system.devissuer.conftest import ISSUER

pytestmark = pytest.mark.urls("timesheets_site.devissuer.urls")

METADATA_PATHS = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]
PATHS = ["/oauth/token", "/.well-known/jwks.json", *METADATA_PATHS]


def test_the_key_set_contains_only_the_public_key(client: Client) -> None:
    response = client.get("/.well-known/jwks.json")

    (key,) = response.json()["keys"]
    assert key.keys() == {"kty", "use", "alg", "kid", "n", "e"}
    assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")


def test_the_key_set_may_be_cached_for_a_minute(client: Client) -> None:
    response = client.get("/.well-known/jwks.json")

    assert response["Cache-Control"] == "public, max-age=60"


def test_the_key_set_is_the_same_for_every_request(client: Client) -> None:
    first = client.get("/.well-known/jwks.json").json()

    assert client.get("/.well-known/jwks.json").json() == first


@pytest.mark.parametrize("path", METADATA_PATHS)
def test_the_metadata_names_the_issuer_and_its_endpoints(client: Client, path: str) -> None:
    response = client.get(path)

    assert response.json() == {
        "issuer": ISSUER,
        "token_endpoint": f"{ISSUER}oauth/token",
        "jwks_uri": f"{ISSUER}.well-known/jwks.json",
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": ["batch:upload", "read:timesheets"],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


@pytest.mark.parametrize("kind", ["openid-configuration", "oauth-authorization-server"])
def test_authlib_finds_the_metadata(client: Client, kind: str) -> None:
    path = get_well_known_url(ISSUER, suffix=kind)

    assert client.get(path).json()["issuer"] == ISSUER


@pytest.mark.parametrize("path", PATHS[1:])
def test_the_documents_are_read_only(client: Client, path: str) -> None:
    response = client.post(path)

    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "caller",
    [
        pytest.param("192.0.2.7", id="IPv4"),
        pytest.param("0.0.0.0", id="unspecified"),  # noqa: S104
        pytest.param("2001:db8::7", id="IPv6"),
        pytest.param("::ffff:192.0.2.7", id="IPv4 written as IPv6"),
        pytest.param("", id="unknown"),
    ],
)
def test_a_caller_on_another_machine_is_refused(client: Client, path: str, caller: str) -> None:
    response = client.get(path, REMOTE_ADDR=caller)

    assert (response.status_code, response.json()["error"]) == (403, "access_denied")
    assert re.search("its own machine only", response.json()["error_description"])


@pytest.mark.parametrize("caller", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_a_caller_on_this_machine_is_served(client: Client, caller: str) -> None:
    response = client.get("/.well-known/openid-configuration", REMOTE_ADDR=caller)

    assert response.status_code == 200


def test_the_api_is_served_next_to_the_issuer(client: Client) -> None:
    response = client.post("/timesheets/upload")

    assert response.status_code == 401
