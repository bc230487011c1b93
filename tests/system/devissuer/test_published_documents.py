"""The issuer publishes its key and metadata, and serves only its own machine."""

import pytest
from django.test import Client

from tests.system.devissuer.conftest import ISSUER

pytestmark = pytest.mark.urls("timesheets_site.devissuer.urls")

METADATA_PATHS = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]
PATHS = ["/authorize", "/oauth/token", "/.well-known/jwks.json", *METADATA_PATHS]


def test_the_key_set_has_one_public_key_and_may_be_cached_for_a_minute(client: Client) -> None:
    response = client.get("/.well-known/jwks.json")

    [key] = response.json()["keys"]
    assert key.keys() == {"kty", "use", "alg", "kid", "n", "e"}
    assert response["Cache-Control"] == "public, max-age=60"
    assert client.get("/.well-known/jwks.json").json() == response.json()


@pytest.mark.parametrize("path", METADATA_PATHS)
def test_the_metadata_names_the_issuer_and_its_endpoints(client: Client, path: str) -> None:
    response = client.get(path)

    assert response.json() == {
        "issuer": ISSUER,
        "authorization_endpoint": "http://localhost:8000/authorize",
        "token_endpoint": f"{ISSUER}oauth/token",
        "jwks_uri": f"{ISSUER}.well-known/jwks.json",
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("caller", ["192.0.2.7", "0.0.0.0", "2001:db8::7", "::ffff:192.0.2.7"])  # noqa: S104
def test_a_caller_on_another_machine_is_refused(client: Client, path: str, caller: str) -> None:
    response = client.get(path, REMOTE_ADDR=caller)

    assert (response.status_code, response.json()["error"]) == (403, "access_denied")
    assert "its own machine only" in response.json()["error_description"]


@pytest.mark.parametrize("caller", ["127.8.8.8", "::1"])
def test_a_caller_on_this_machine_is_served(client: Client, caller: str) -> None:
    assert client.get(METADATA_PATHS[0], REMOTE_ADDR=caller).status_code == 200
