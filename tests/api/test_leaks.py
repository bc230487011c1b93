"""No log record or response contains a token, and no log contains unverified text."""

import json
from typing import Any, cast

import pytest
from django.test import Client
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.api.conftest import Upload, status_and_code
from tests.api.leaks import find_leaks, format_records, format_response
from tests.api.test_token_table import STRANGERS_KEY
from tests.kit.issuer import Issuer
from timesheets.logs import JSONFormatter
from timesheets.trust.principals import VerifiedToken

MARKER = "mArKeR7f3e9c"


class CrashingView(APIView):
    """Has a bug that occurs only after authentication."""

    required_scopes = frozenset({"batch:upload"})

    def post(self, request: Request) -> Response:
        granted = cast("VerifiedToken", request.auth).scopes
        raise RuntimeError(f"a bug, with {len(granted)} scopes")


urlpatterns = [path("crash", CrashingView.as_view())]


# Refusals of tokens in the wrong place are in test_access.py.
@pytest.mark.parametrize(
    ("query", "headers"),
    [("?token={token}", {}), ("", {"Idempotency-Key": "{token} "})],
    ids=["unknown-parameter", "broken-key"],
)
def test_a_token_as_another_parameter_is_not_logged_or_returned(
    upload: Upload, issuer: Issuer, log: pytest.LogCaptureFixture, query: str, headers: dict[str, str]
) -> None:
    token = issuer.mint()
    sent = {name: value.format(token=token) for name, value in headers.items()}

    response = upload(token=token, headers=sent, path=f"/timesheets/upload{query.format(token=token)}")

    assert response.status_code == 400
    assert find_leaks(token, format_records(log) + format_response(response)) == []


HEADERS = ("alg", "kid", "typ", "cty", "jku", "x5u", "anything")
CLAIMS = ("iss", "aud", "exp", "iat", "nbf", "sub", "azp", "client_id", "jti", "scope", "cnf", "anything")


@pytest.mark.parametrize(
    "changes",
    [
        *(pytest.param({"header": {name: MARKER}}, id=f"header-{name}") for name in HEADERS),
        *(
            pytest.param({name: value}, id=f"{name}-{type(value).__name__}")
            for name in CLAIMS
            for value in (MARKER, {MARKER: MARKER}, [MARKER])
        ),
    ],
)
def test_no_part_of_an_unverified_header_or_of_claims_is_logged_or_returned(
    upload: Upload, issuer: Issuer, log: pytest.LogCaptureFixture, changes: dict[str, Any]
) -> None:
    response = upload(token=issuer.mint(**changes, key=STRANGERS_KEY))

    assert response.status_code == 401
    assert MARKER not in format_records(log) + format_response(response)


def test_a_verified_name_cannot_break_a_log_line(
    upload: Upload, issuer: Issuer, log: pytest.LogCaptureFixture
) -> None:
    upload(token=issuer.mint(sub="one\u2028two \u202ethree"))

    [record] = [record for record in log.records if record.name == "timesheets.access"]
    line = JSONFormatter().format(record)
    assert json.loads(line)["subject"] == "one\u2028two \u202ethree"
    assert line.isascii()
    assert line.isprintable()


def test_no_response_header_repeats_text_from_the_caller(upload: Upload, issuer: Issuer) -> None:
    token = issuer.mint(
        header={"kid": MARKER}, sub=MARKER, azp=MARKER, scope=MARKER, aud=MARKER, anything=MARKER
    )

    responses = [
        upload(token=token, path=f"/timesheets/upload?{MARKER}={MARKER}"),
        upload(token=MARKER),
        upload(token=f"{MARKER} {MARKER}"),
        upload(token=issuer.mint(scope=MARKER, azp=MARKER)),
        upload(token=token, headers={"X-Request-ID": f"{MARKER}\u00e4"}),
        upload(path=f"/{MARKER}"),
        upload(content_type=f"text/{MARKER}"),
    ]

    assert all(response.status_code >= 400 for response in responses)
    assert all(MARKER not in str(response.headers) for response in responses)


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("debug", [False, True], ids=["production", "debug"])
def test_a_bug_after_authentication_shows_no_token(
    issuer: Issuer,
    client: Client,
    settings: Any,
    log: pytest.LogCaptureFixture,
    db: None,
    debug: bool,
) -> None:
    settings.DEBUG = debug
    client.raise_request_exception = False
    token = issuer.mint()

    response = client.post("/crash", headers={"Authorization": f"Bearer {token}"})

    assert status_and_code(response) == (500, "internal_server_error")
    assert "a bug, with 1 scopes" in format_records(log)
    assert find_leaks(token, format_records(log) + format_response(response)) == []


@pytest.mark.parametrize("setting", [{"ALGORITHMS": None}, {"LEEWAY_SECONDS": "thirty"}])
def test_a_bug_during_authentication_shows_no_token(
    issuer: Issuer,
    client: Client,
    settings: Any,
    log: pytest.LogCaptureFixture,
    db: None,
    setting: dict[str, Any],
) -> None:
    token = issuer.mint()
    settings.OAUTH = {**settings.OAUTH, **setting}
    client.raise_request_exception = False

    response = client.post("/timesheets/upload", headers={"Authorization": f"Bearer {token}"})

    assert response.status_code == 500
    assert find_leaks(token, format_records(log) + format_response(response)) == []
