"""Who may ask the issuer, and what it says about itself and its key."""

import re

import pytest
from authlib.oauth2.rfc8414 import get_well_known_url

from tests.devissuer.conftest import ISSUER

pytestmark = pytest.mark.urls("timesheets_site.devissuer.urls")

CONFIGURATIONS = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]
ADDRESSES = ["/oauth/token", "/.well-known/jwks.json", *CONFIGURATIONS]


def test_the_key_set_holds_the_public_key_and_nothing_private(client):
    response = client.get("/.well-known/jwks.json")

    (key,) = response.json()["keys"]
    assert key.keys() == {"kty", "use", "alg", "kid", "n", "e"}
    assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")


def test_the_key_set_may_be_kept_for_a_minute(client):
    response = client.get("/.well-known/jwks.json")

    assert response["Cache-Control"] == "public, max-age=60"


def test_the_key_set_is_the_same_at_each_request(client):
    first = client.get("/.well-known/jwks.json").json()

    assert client.get("/.well-known/jwks.json").json() == first


@pytest.mark.parametrize("address", CONFIGURATIONS)
def test_the_configuration_names_the_issuer_and_its_addresses(client, address):
    response = client.get(address)

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
def test_a_strangers_library_finds_the_configuration(client, kind):
    address = get_well_known_url(ISSUER, suffix=kind)

    assert client.get(address).json()["issuer"] == ISSUER


@pytest.mark.parametrize("address", ADDRESSES[1:])
def test_the_documents_are_read_only(client, address):
    response = client.post(address)

    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    "caller",
    [
        pytest.param("192.0.2.7", id="IPv4"),
        pytest.param("0.0.0.0", id="unspecified"),  # noqa: S104 - no address is bound here.
        pytest.param("2001:db8::7", id="IPv6"),
        pytest.param("::ffff:192.0.2.7", id="IPv4 written as IPv6"),
        pytest.param("", id="unknown"),
    ],
)
def test_a_caller_on_another_machine_is_refused(client, address, caller):
    response = client.get(address, REMOTE_ADDR=caller)

    assert (response.status_code, response.json()["error"]) == (403, "access_denied")
    assert re.search("its own machine only", response.json()["error_description"])


@pytest.mark.parametrize("caller", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_a_caller_on_this_machine_is_served(client, caller):
    response = client.get("/.well-known/openid-configuration", REMOTE_ADDR=caller)

    assert response.status_code == 200


def test_the_rest_of_the_site_is_served_beside_the_issuer(client):
    response = client.post("/timesheets/upload")

    assert response.status_code == 401
