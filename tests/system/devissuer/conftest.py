"""The development issuer with a temporary key file."""

import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from django.test import Client

from tests.kit.django_client import ClientResponse

# Django's test client sends its requests to port 80.
ISSUER = "http://127.0.0.1:80/"
AUDIENCE = "https://timesheets.example.com"


RequestToken = Callable[..., ClientResponse]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "key.pem"


@pytest.fixture
def client(settings: Any, key_file: Path) -> Client:
    settings.DEVISSUER_ISSUER = ISSUER
    settings.DEVISSUER_AUDIENCE = AUDIENCE
    settings.DEVISSUER_KEY_FILE = key_file
    settings.DEVISSUER_CLIENTS = {
        "payroll": {"client_secret": "payroll's secret: 50% + more", "scope": "batch:upload read:timesheets"},
        "reporting": {"client_secret": "reporting's secret", "scope": "read:timesheets"},
    }
    return Client()


@pytest.fixture
def parameters(client: Client, settings: Any) -> dict[str, str]:
    """The parameters of payroll's token request."""
    return {
        "grant_type": "client_credentials",
        "client_id": "payroll",
        "client_secret": settings.DEVISSUER_CLIENTS["payroll"]["client_secret"],
        "audience": AUDIENCE,
    }


@pytest.fixture
def request_token(client: Client, parameters: dict[str, str]) -> RequestToken:
    """Request payroll's token in JSON. Keyword arguments replace parameters; None omits one."""

    def post(**changes: object) -> ClientResponse:
        members = {name: value for name, value in {**parameters, **changes}.items() if value is not None}
        return client.post("/oauth/token", json.dumps(members), content_type="application/json")

    return post


def basic(client_id: str, client_secret: str) -> dict[str, str]:
    """The headers of a client that authenticates with HTTP Basic (RFC 6749 section 2.3.1)."""
    credentials = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return {"Authorization": f"Basic {b64encode(credentials.encode()).decode()}"}
