"""The development issuer with a temporary key file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.kit.django_client import ClientResponse
from tests.kit.processes import REPOSITORY

ISSUER = "http://127.0.0.1:8000/"
AUDIENCE = "https://timesheets.example.com"

RequestToken = Callable[..., ClientResponse]


@pytest.fixture
def client(settings: Any, tmp_path: Path) -> Client:
    settings.DEVISSUER_ISSUER = ISSUER
    settings.DEVISSUER_AUDIENCE = AUDIENCE
    settings.DEVISSUER_KEY_FILE = tmp_path / "key.pem"
    settings.DEVISSUER_CLIENTS = {
        "payroll": {"client_secret": "payroll's secret: 50% + more", "scope": "batch:upload read:timesheets"},
        "reporting": {"client_secret": "reporting's secret", "scope": "read:timesheets"},
    }
    settings.DEVISSUER_WEB_CLIENT = {
        "client_id": "pages",
        "client_secret": "the+secret of pages",
        "redirect_uris": ["http://127.0.0.1:8000/sign-in/callback"],
    }
    settings.DEVISSUER_PEOPLE = {"payroll": "batch:upload read:timesheets", "manager": "read:timesheets"}
    # The app itself does not start without DEBUG.
    folder = REPOSITORY / "timesheets_site/devissuer/templates"
    settings.TEMPLATES = [{**backend, "DIRS": [folder]} for backend in settings.TEMPLATES]
    return Client(enforce_csrf_checks=True)


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
        return client.post("/oauth/token", members, content_type="application/json")

    return post
