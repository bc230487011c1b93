"""The API tells clients where to get tokens (RFC 9728)."""

from typing import Any

from django.test import Client

from tests.kit.issuer import Issuer

PATH = "/.well-known/oauth-protected-resource/timesheets/upload"


def test_the_metadata_name_the_issuer_and_the_scope(client: Client, issuer: Issuer) -> None:
    response = client.get(PATH)

    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == {
        "resource": "https://timesheets.example.com/timesheets/upload",
        "authorization_servers": [issuer.url],
        "scopes_supported": ["batch:upload", "correct:timesheets"],
        "bearer_methods_supported": ["header"],
    }


def test_the_metadata_are_built_from_settings_and_not_from_the_host(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.TIMESHEETS_PUBLIC_URL = "https://hours.example.org/"

    response = client.get(PATH, headers={"Host": "stranger.example", "X-Forwarded-Host": "stranger.example"})

    assert response.json()["resource"] == "https://hours.example.org/timesheets/upload"


def test_a_challenge_links_to_the_metadata(client: Client, settings: Any) -> None:
    challenge = client.post("/timesheets/upload").headers["WWW-Authenticate"]

    url = challenge.partition('resource_metadata="')[2].rstrip('"')
    assert url == f"{settings.TIMESHEETS_PUBLIC_URL}{PATH}"
    assert client.get(url.removeprefix(settings.TIMESHEETS_PUBLIC_URL)).status_code == 200


def test_the_metadata_are_read_only(client: Client) -> None:
    response = client.post(PATH)

    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, HEAD"
