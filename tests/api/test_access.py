"""The API takes a token from one header, in one form."""

import pytest

from tests.api.conftest import Upload
from tests.kit.issuer import Issuer
from timesheets.models import Timesheet

METADATA = 'resource_metadata="https://timesheets.example.com/.well-known/oauth-protected-resource/timesheets/upload"'


@pytest.mark.parametrize(
    "scheme",
    [
        pytest.param("bearer", id="small"),
        pytest.param("BEARER", id="capitals"),
        pytest.param("bEaReR", id="mixed"),
        pytest.param("Bearer ", id="two-blanks"),
    ],
)
def test_the_scheme_is_case_insensitive(upload: Upload, issuer: Issuer, scheme: str) -> None:
    assert upload(token=None, headers={"Authorization": f"{scheme} {issuer.mint()}"}).status_code == 201


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        pytest.param({}, "", id="no-credentials"),
        pytest.param({"Authorization": ""}, "", id="empty-header"),
        pytest.param({"Authorization": "Basic cGF5cm9sbDpzZWNyZXQ="}, "", id="basic"),
        pytest.param({"Authorization": "Bearertoken"}, "", id="another-scheme"),
        pytest.param({"Authorization": "{token}"}, "", id="no-scheme"),
        pytest.param({"Authorization": "DPoP {token}"}, "", id="dpop"),
        pytest.param({"Authorization": "Token {token}"}, "", id="token-scheme"),
        pytest.param({"Authorization": "Bearer:{token}"}, "", id="colon"),
        pytest.param({"Authorization": "Bearer\t{token}"}, "", id="tab"),
        pytest.param({"Authorization": "B\u00e9arer {token}"}, "", id="accent"),
        pytest.param({"Authorization": "Basic a, Bearer {token}"}, "", id="second-scheme"),
        pytest.param({"Proxy-Authorization": "Bearer {token}"}, "", id="proxys-header"),
        pytest.param({"X-Authorization": "Bearer {token}"}, "", id="another-header"),
        pytest.param({"X-Access-Token": "{token}"}, "", id="token-in-a-header-of-its-own"),
        pytest.param({}, "?access_token={token}", id="token-in-the-query"),
        pytest.param({"Cookie": "access_token={token}"}, "", id="token-in-a-cookie"),
    ],
)
def test_a_request_without_a_bearer_token_is_challenged(
    upload: Upload, issuer: Issuer, headers: dict[str, str], path: str
) -> None:
    token = issuer.mint()
    sent = {name: value.format(token=token) for name, value in headers.items()}

    response = upload(token=None, headers=sent, path=f"/timesheets/upload{path.format(token=token)}")

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert response.headers["WWW-Authenticate"] == f'Bearer realm="timesheets", {METADATA}'


@pytest.mark.parametrize(
    ("authorization", "path"),
    [
        pytest.param("Bearer", "", id="no-value"),
        pytest.param("Bearer ", "", id="empty-value"),
        pytest.param("Bearer {token} {token}", "", id="two-values"),
        pytest.param("Bearer {token}, Bearer {token}", "", id="two-headers"),
        pytest.param("Bearer t\u00f6ken", "", id="not-ascii"),
        pytest.param('Bearer "{token}"', "", id="quoted"),
        pytest.param("Bearer =", "", id="padding-alone"),
        pytest.param("Bearer {token}=x", "", id="after-padding"),
        pytest.param("Bearer {token} ", "", id="blank-at-the-end"),
        pytest.param("Bearer {token}\t", "", id="tab-at-the-end"),
        pytest.param("Bearer \t{token}", "", id="tab-before"),
        pytest.param("Bearer {token},", "", id="comma-at-the-end"),
        pytest.param("Bearer {token}, Basic cGF5cm9sbDpzZWNyZXQ=", "", id="another-scheme-too"),
        pytest.param("Bearer token={token}", "", id="parameter"),
        pytest.param("Bearer <{token}>", "", id="in-angles"),
        pytest.param("Bearer {token}\x00", "", id="nul"),
        pytest.param("Bearer {token}\xa0", "", id="no-break-space"),
        pytest.param("Bearer Bearer {token}", "", id="scheme-twice"),
        pytest.param(f"Bearer {'a' * 8001}", "", id="over-8000-characters"),
        pytest.param("Bearer {token}", "?access_token={token}", id="header-and-query"),
        pytest.param("Bearer {token}", "?access_token=", id="header-and-empty-query"),
        pytest.param("Bearer opaque", "?access_token={token}", id="bad-header-and-query"),
    ],
)
def test_a_malformed_bearer_is_refused(upload: Upload, issuer: Issuer, authorization: str, path: str) -> None:
    token = issuer.mint()

    response = upload(
        token=None,
        headers={"Authorization": authorization.format(token=token)},
        path=f"/timesheets/upload{path.format(token=token)}",
    )

    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")
    assert response.headers["WWW-Authenticate"] == (
        f'Bearer realm="timesheets", error="invalid_request", {METADATA}'
    )


def test_a_token_in_the_body_is_ignored(upload: Upload, issuer: Issuer) -> None:
    form = f"access_token={issuer.mint()}".encode()

    response = upload(form, token=None, content_type="application/x-www-form-urlencoded")

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert not Timesheet.objects.exists()
