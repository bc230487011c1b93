"""No log record, response or mail contains a token, and no log contains unverified text."""

import json
import logging
from typing import Any, cast

import django
import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.urls import path
from django.utils.log import AdminEmailHandler
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.api.conftest import Upload
from tests.api.leaks import find_leaks, format_records, format_response
from tests.api.test_token_table import STRANGERS_KEY
from tests.kit.issuer import Issuer
from timesheets.logs import JSONFormatter
from timesheets.trust.verified_tokens import VerifiedToken

MARKER = "mArKeR7f3e9c"


class CrashingView(APIView):
    """Has a bug that occurs only after authentication."""

    resource_path = "/crash"
    required_scopes = frozenset({"batch:upload"})

    def post(self, request: Request) -> Response:
        granted = cast("VerifiedToken", request.auth).scopes
        raise RuntimeError(f"a bug, with {len(granted)} scopes")


urlpatterns = [path("crash", CrashingView.as_view())]


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"headers": {"Authorization": "Bearer {token} {token}"}}, id="broken-bearer"),
        pytest.param({"headers": {"Authorization": "Basic {token}"}}, id="another-scheme"),
        pytest.param({"headers": {"Cookie": "access_token={token}"}}, id="cookie"),
        pytest.param({"headers": {"X-Access-Token": "{token}"}}, id="another-header"),
        pytest.param({"path": "/timesheets/upload?access_token={token}"}, id="query"),
        pytest.param(
            {
                "path": "/timesheets/upload?access_token={token}",
                "headers": {"Authorization": "Bearer {token}"},
            },
            id="header-and-query",
        ),
        pytest.param(
            {"path": "/timesheets/upload?token={token}", "headers": {"Authorization": "Bearer {token}"}},
            id="unknown-parameter",
        ),
        pytest.param(
            {"headers": {"Authorization": "Bearer {token}", "Idempotency-Key": "{token} "}}, id="broken-key"
        ),
    ],
)
def test_a_token_in_the_wrong_place_is_not_logged_or_returned(
    upload: Upload, issuer: Issuer, log: pytest.LogCaptureFixture, given: dict[str, Any]
) -> None:
    token = issuer.mint()
    headers = {name: value.format(token=token) for name, value in given.get("headers", {}).items()}

    response = upload(
        token=None, headers=headers, path=given.get("path", "/timesheets/upload").format(token=token)
    )

    assert response.status_code in (400, 401)
    assert find_leaks(token, format_records(log) + format_response(response)) == []


@pytest.mark.parametrize("name", ["alg", "kid", "typ", "cty", "jku", "x5u", "anything"])
def test_no_part_of_an_unverified_header_is_logged_or_returned(
    upload: Upload, issuer: Issuer, log: pytest.LogCaptureFixture, name: str
) -> None:
    response = upload(token=issuer.mint(header={name: MARKER}, key=STRANGERS_KEY))

    assert response.status_code == 401
    assert MARKER not in format_records(log) + format_response(response)


@pytest.mark.parametrize(
    "name", ["iss", "aud", "exp", "iat", "nbf", "sub", "azp", "client_id", "jti", "scope", "cnf", "anything"]
)
@pytest.mark.parametrize("value", [MARKER, {MARKER: MARKER}, [MARKER]], ids=["string", "object", "list"])
def test_no_part_of_unverified_claims_is_logged_or_returned(
    upload: Upload, issuer: Issuer, log: pytest.LogCaptureFixture, name: str, value: Any
) -> None:
    response = upload(token=issuer.mint(**{name: value}, key=STRANGERS_KEY))

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


# Bugs, and mails about them

# Django 6.1 expects MAILERS, which 5.2 does not have.
pytestmark = pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer")


@pytest.fixture
def error_mails(settings: Any) -> Any:
    """Sends errors to the administrators too, with Django's full report."""
    address = "admin@timesheets.example.com"
    settings.ADMINS = [address] if django.VERSION >= (6, 0) else [("Admin", address)]
    handler = AdminEmailHandler(include_html=True)
    handler.setLevel(logging.ERROR)
    logging.getLogger("django.request").addHandler(handler)
    yield
    logging.getLogger("django.request").removeHandler(handler)


def format_mails() -> str:
    messages = cast("list[EmailMultiAlternatives]", mail.outbox)
    return "\n".join(message.message().as_string() + str(message.alternatives) for message in messages)


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("debug", [False, True], ids=["production", "debug"])
@pytest.mark.parametrize("accept", ["application/json", "*/*"])
def test_a_bug_after_authentication_shows_no_token(
    issuer: Issuer,
    client: Client,
    settings: Any,
    log: pytest.LogCaptureFixture,
    error_mails: None,
    debug: bool,
    accept: str,
) -> None:
    settings.DEBUG = debug
    client.raise_request_exception = False
    token = issuer.mint()

    response = client.post("/crash", headers={"Authorization": f"Bearer {token}", "Accept": accept})

    assert (response.status_code, response.json()["code"]) == (500, "internal_server_error")
    assert len(mail.outbox) == 1
    assert "a bug, with 1 scopes" in format_records(log)
    assert find_leaks(token, format_records(log)) == []
    assert find_leaks(token, format_response(response)) == []
    assert find_leaks(token, format_mails()) == []


@pytest.mark.urls(__name__)
def test_the_debug_page_of_a_bug_shows_no_token(issuer: Issuer, client: Client, settings: Any) -> None:
    settings.DEBUG = True
    client.raise_request_exception = False
    token = issuer.mint()

    headers = {"Authorization": f"Bearer {token}", "Accept": "text/html, application/json;q=0.9"}
    response = client.post("/crash", headers=headers)

    assert response.status_code == 500
    assert response.headers["Content-Type"].startswith("text/html")
    assert find_leaks(token, format_response(response)) == []


@pytest.mark.parametrize("setting", [{"ALGORITHMS": None}, {"LEEWAY_SECONDS": "thirty"}])
def test_a_bug_during_authentication_shows_no_token(
    issuer: Issuer,
    client: Client,
    settings: Any,
    log: pytest.LogCaptureFixture,
    error_mails: None,
    setting: dict[str, Any],
) -> None:
    token = issuer.mint()
    settings.OAUTH = {**settings.OAUTH, **setting}
    client.raise_request_exception = False

    response = client.post("/timesheets/upload", headers={"Authorization": f"Bearer {token}"})

    assert response.status_code == 500
    assert len(mail.outbox) == 1
    assert find_leaks(token, format_records(log) + format_response(response) + format_mails()) == []
