"""The API as a caller in this process sees it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from tests.issuer import Issuer

TUTORIAL_ENTRY = {
    "user_id": "007",
    "date": "2017-05-10T17:40:20.095Z",
    "project": "StoreZero",
    "hours": 5,
}

Upload = Callable[..., HttpResponse]


@pytest.fixture
def upload(issuer: Issuer, client: Client, db: None) -> Upload:
    """Post an entry, or a body as it is, with a good token or with what `token` says."""

    def post(
        body: Any = TUTORIAL_ENTRY, *, token: str | None = "good", path: str = "/timesheets/upload", **more
    ):
        content_type = more.pop("content_type", "application/json")
        headers = more.pop("headers", {})
        if token is not None:
            bearer = issuer.mint() if token == "good" else token
            headers = {"Authorization": f"Bearer {bearer}", **headers}
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return client.post(path, raw, content_type=content_type, headers=headers, **more)

    return post
