"""The API takes a token from one header, in one form."""

import pytest

from tests.api.conftest import Upload, status_and_code
from tests.api.leaks import find_leaks, format_records, format_response
from tests.kit.issuer import Issuer
from timesheets.models import Timesheet

METADATA = 'resource_metadata="https://timesheets.example.com/.well-known/oauth-protected-resource/timesheets/upload"'


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "bEaReR", "Bearer "])
def test_the_scheme_is_case_insensitive(upload: Upload, issuer: Issuer, scheme: str) -> None:
    assert upload(token=None, headers={"Authorization": f"{scheme} {issuer.mint()}"}).status_code == 201


OTHER_SCHEMES = (
    *("", "Basic cGF5cm9sbDpzZWNyZXQ=", "Bearertoken", "{token}", "DPoP {token}", "Token {token}"),
    *("Bearer:{token}", "Bearer\t{token}", "B\u00e9arer {token}", "Basic a, Bearer {token}"),
)
OTHER_HEADERS = {
    "Proxy-Authorization": "Bearer {token}",
    "X-Authorization": "Bearer {token}",
    "X-Access-Token": "{token}",
    "Cookie": "access_token={token}",
}


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({}, ""),
        ({}, "?access_token={token}"),
        *(({"Authorization": value}, "") for value in OTHER_SCHEMES),
        *(({name: value}, "") for name, value in OTHER_HEADERS.items()),
    ],
)
def test_a_request_without_a_bearer_token_is_challenged(
    upload: Upload, issuer: Issuer, log: pytest.LogCaptureFixture, headers: dict[str, str], query: str
) -> None:
    token = issuer.mint()
    sent = {name: value.format(token=token) for name, value in headers.items()}

    response = upload(token=None, headers=sent, path=f"/timesheets/upload{query.format(token=token)}")

    assert status_and_code(response) == (401, "not_authenticated")
    assert response.headers["WWW-Authenticate"] == f'Bearer realm="timesheets", {METADATA}'
    assert find_leaks(token, format_records(log) + format_response(response)) == []


MALFORMED = (
    *("Bearer", "Bearer ", "Bearer {token} {token}", "Bearer {token}, Bearer {token}"),
    *("Bearer t\u00f6ken", 'Bearer "{token}"', "Bearer =", "Bearer {token}=x", "Bearer {token} "),
    *("Bearer {token}\t", "Bearer \t{token}", "Bearer {token},"),
    *("Bearer {token}, Basic cGF5cm9sbDpzZWNyZXQ=", "Bearer token={token}", "Bearer <{token}>"),
    *("Bearer {token}\x00", "Bearer {token}\xa0", "Bearer Bearer {token}", f"Bearer {'a' * 8001}"),
)
TOKEN = "access_token={token}"


@pytest.mark.parametrize(
    ("authorization", "query"),
    [
        *((authorization, "") for authorization in MALFORMED),
        *(("Bearer {token}", query) for query in (TOKEN, "access_token=")),
        ("Bearer opaque", TOKEN),
    ],
)
def test_a_malformed_bearer_is_refused(
    upload: Upload, issuer: Issuer, log: pytest.LogCaptureFixture, authorization: str, query: str
) -> None:
    token = issuer.mint()
    path = f"/timesheets/upload?{query.format(token=token)}"

    response = upload(token=None, headers={"Authorization": authorization.format(token=token)}, path=path)

    assert status_and_code(response) == (400, "invalid_request")
    assert response.headers["WWW-Authenticate"] == (
        f'Bearer realm="timesheets", error="invalid_request", {METADATA}'
    )
    assert find_leaks(token, format_records(log) + format_response(response)) == []


def test_a_token_in_the_body_is_ignored(upload: Upload, issuer: Issuer) -> None:
    form = f"access_token={issuer.mint()}".encode()

    response = upload(form, token=None, content_type="application/x-www-form-urlencoded")

    assert status_and_code(response) == (401, "not_authenticated")
    assert not Timesheet.objects.exists()
