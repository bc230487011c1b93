"""The API tells clients where to get tokens (RFC 9728)."""

from typing import Any

import pytest
from django.test import Client

from tests.api.conftest import status_and_code
from tests.kit.issuer import Issuer

WELL_KNOWN = "/.well-known/oauth-protected-resource"
PATH = f"{WELL_KNOWN}/timesheets/upload"
LISTS = ("/timesheets", "/timesheets/12", "/uploads", "/uploads/17", "/uploads/17/rejections")
READ_PATHS = (*LISTS, "/totals", "/runs", "/runs/may", "/runs/may/lines")


@pytest.mark.django_db
@pytest.mark.parametrize("path", READ_PATHS)
def test_reading_needs_a_token_with_its_scope_which_the_metadata_name(
    client: Client, issuer: Issuer, path: str
) -> None:
    token = issuer.mint(scope="batch:upload correct:timesheets read:timesheets2")

    missing = client.get(f"{path}?unknown=1")
    refused = client.get(f"{path}?unknown=1", headers={"Authorization": f"Bearer {token}"})

    link = f'resource_metadata="https://timesheets.example.com{WELL_KNOWN}{path}"'
    scope = 'error="insufficient_scope", scope="read:timesheets"'
    assert status_and_code(missing) == (401, "not_authenticated")
    assert missing.headers["WWW-Authenticate"] == f'Bearer realm="timesheets", {link}'
    assert status_and_code(refused) == (403, "insufficient_scope")
    assert refused.headers["WWW-Authenticate"] == f'Bearer realm="timesheets", {scope}, {link}'


@pytest.mark.parametrize(
    ("path", "scopes"),
    [
        ("/timesheets/upload", ["batch:upload", "correct:timesheets"]),
        *((path, ["read:all-timesheets", "read:timesheets"]) for path in READ_PATHS),
    ],
)
def test_the_metadata_name_the_issuer_and_the_scope(
    client: Client, issuer: Issuer, path: str, scopes: list[str]
) -> None:
    response = client.get(f"{WELL_KNOWN}{path}")

    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == {
        "resource": f"https://timesheets.example.com{path}",
        "authorization_servers": [issuer.url],
        "scopes_supported": scopes,
        "bearer_methods_supported": ["header"],
        "time_zone": "UTC",
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
