import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import responses

from tests.uploader.conftest import MESSAGE, mint_token
from timesheets.uploader.client import Receipt, Upload, upload_entry
from timesheets.uploader.errors import AccessRefused, ConfigurationError, EntriesRejected, TemporaryFailure
from timesheets.uploader.exchange import Timeouts, open_session
from timesheets.uploader.tokens import AccessToken

UPLOAD_URL = "https://timesheets.example.com/timesheets/upload"
ENTRY = {"user_id": "007", "date": "2017-05-10T17:40:20.095Z", "project": "StoreZero", "hours": 5}
TOKEN = AccessToken(value=mint_token(), scopes="batch:upload")


@pytest.fixture
def api() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def upload() -> Receipt:
    with open_session() as session:
        return upload_entry(
            session, Upload(url=UPLOAD_URL, entry=ENTRY, idempotency_key="key-1"), TOKEN, Timeouts()
        )


def test_an_entry_goes_as_a_json_object_with_token_and_key(api: responses.RequestsMock) -> None:
    api.post(UPLOAD_URL, status=201, json={"message": MESSAGE})

    upload()

    [call] = api.calls
    assert json.loads(call.request.body or "") == ENTRY
    assert call.request.headers["Content-Type"] == "application/json"
    assert call.request.headers["Authorization"] == f"Bearer {TOKEN.value}"
    assert call.request.headers["Idempotency-Key"] == "key-1"


@pytest.mark.parametrize("status", [200, 201])
def test_the_receipt_is_the_apis_message(api: responses.RequestsMock, status: int) -> None:
    api.post(UPLOAD_URL, status=status, json={"message": MESSAGE})

    assert upload() == Receipt(message=MESSAGE)


def test_netrc_does_not_replace_the_token(
    api: responses.RequestsMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login payroll password from-netrc\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    api.post(UPLOAD_URL, status=201, json={"message": MESSAGE})

    upload()

    assert api.calls[0].request.headers["Authorization"] == f"Bearer {TOKEN.value}"


@pytest.mark.parametrize("status", [400, 409, 422])
def test_a_rejected_entry_is_told_with_all_its_errors(api: responses.RequestsMock, status: int) -> None:
    errors = {"hours": ["must be above 0", "and whole"], "project": ["is blank"]}
    api.post(
        UPLOAD_URL, status=status, json={"code": "invalid_entry", "detail": "Invalid.", "errors": errors}
    )

    with pytest.raises(EntriesRejected) as caught:
        upload()

    assert str(caught.value) == (
        f"entry rejected: {status} invalid_entry: Invalid; "
        "hours: must be above 0 and whole; project: is blank"
    )


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        pytest.param(
            401,
            {"code": "invalid_token", "detail": "The access token expired"},
            "upload refused: 401 invalid_token: The access token expired; check that",
            id="untrusted token",
        ),
        pytest.param(
            403,
            {"code": "insufficient_scope", "detail": "No."},
            "upload refused: 403 insufficient_scope: No; the access token's scopes: batch:upload",
            id="missing scope",
        ),
        pytest.param(
            400, {"code": "invalid_request"}, "upload refused: 400 invalid_request", id="broken token"
        ),
        pytest.param(401, "<html>", "upload refused: 401; check", id="HTML"),
    ],
)
def test_a_refused_caller_is_told_why(
    api: responses.RequestsMock, status: int, body: object, message: str
) -> None:
    api.post(UPLOAD_URL, status=status, body=body if isinstance(body, str) else json.dumps(body))

    with pytest.raises(AccessRefused, match=re.escape(message)):
        upload()


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_busy_api_is_a_temporary_failure(api: responses.RequestsMock, status: int) -> None:
    api.post(UPLOAD_URL, status=status, body="<html>")

    with pytest.raises(TemporaryFailure, match=f"no upload for now: {status}; run it again later"):
        upload()


def test_an_api_without_its_issuer_says_so(api: responses.RequestsMock) -> None:
    api.post(UPLOAD_URL, status=503, json={"code": "issuer_unavailable", "detail": "No keys."})

    with pytest.raises(TemporaryFailure, match="503 issuer_unavailable: No keys; run it again later"):
        upload()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(200, "<html>", id="HTML"),
        pytest.param(201, "", id="empty"),
        pytest.param(200, "{}", id="no message"),
        pytest.param(200, '{"message": 7}', id="a number for a message"),
        pytest.param(204, "", id="no content"),
        pytest.param(302, "", id="redirect"),
        pytest.param(404, "{}", id="not found"),
        pytest.param(405, "{}", id="not allowed"),
        pytest.param(400, "<html>", id="a web server's 400"),
        pytest.param(422, "{}", id="another API's 422"),
    ],
)
def test_what_the_api_never_answers_is_a_wrong_address(
    api: responses.RequestsMock, status: int, body: str
) -> None:
    api.post(UPLOAD_URL, status=status, body=body)

    with pytest.raises(
        ConfigurationError, match=f"not an answer of the Timesheets API: {status}; check TIMESHEETS"
    ):
        upload()
