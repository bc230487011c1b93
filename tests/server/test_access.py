"""Who is let in: a token for each rule, over HTTP, with status, code and challenge."""

import base64
import json
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.issuer import Issuer
from tests.server.conftest import Upload
from tests.signing_keys import SigningKey
from timesheets.models import Timesheet

METADATA = 'resource_metadata="https://timesheets.example.com/.well-known/oauth-protected-resource/timesheets/upload"'
REFUSED = f'Bearer realm="timesheets", error="invalid_token", error_description="{{}}", {METADATA}'
NOT_ACCEPTABLE = REFUSED.format("The access token is not acceptable")
EXPIRED = REFUSED.format("The access token expired")
NOT_YET_VALID = REFUSED.format("The access token is not valid yet")
OTHER_ISSUER = REFUSED.format("The access token is from another issuer")
OTHER_AUDIENCE = REFUSED.format("The access token is for another audience")
NOW = int(time.time())

Mint = Callable[[Issuer], str]


def claims(**changes: Any) -> Mint:
    return lambda issuer: issuer.mint(**changes)


def header(**changes: Any) -> Mint:
    return lambda issuer: issuer.mint(header=changes)


def signed(header: bytes, payload: bytes) -> Mint:
    return lambda issuer: issuer.sign(header, payload)


@pytest.fixture(scope="module")
def strangers_key() -> SigningKey:
    return SigningKey("first", pair="stranger")


@pytest.mark.parametrize(
    "mint",
    [
        pytest.param(claims(), id="auth0-default-profile"),
        pytest.param(
            lambda issuer: issuer.mint(
                header={"typ": "at+jwt"}, azp=None, gty=None, client_id="payroll", jti="1"
            ),
            id="rfc-9068-profile",
        ),
        pytest.param(header(typ=None), id="no-typ"),
        pytest.param(header(kid=None), id="no-kid-and-one-key"),
        pytest.param(
            lambda issuer: issuer.mint(aud=["https://other", issuer.audience]), id="list-of-audiences"
        ),
        pytest.param(claims(sub=None), id="no-sub"),
        pytest.param(claims(azp=None), id="sub-alone"),
        pytest.param(claims(exp=time.time() - 20), id="expired-within-the-leeway"),
        pytest.param(claims(nbf=time.time() + 20), id="not-yet-valid-within-the-leeway"),
        pytest.param(claims(scope="read:timesheets batch:upload"), id="more-scopes"),
        pytest.param(claims(scope=None, scp=["batch:upload"]), id="scp-as-a-list"),
    ],
)
def test_a_good_token_is_let_in(upload: Upload, issuer: Issuer, mint: Mint) -> None:
    assert upload(token=mint(issuer)).status_code == 201


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
def test_the_scheme_is_compared_without_case(upload: Upload, issuer: Issuer, scheme: str) -> None:
    response = upload(token=None, headers={"Authorization": f"{scheme} {issuer.mint()}"})

    assert response.status_code == 201


@pytest.mark.parametrize(
    ("mint", "challenge"),
    [
        pytest.param(header(alg="none"), NOT_ACCEPTABLE, id="alg-none"),
        pytest.param(header(alg="HS256"), NOT_ACCEPTABLE, id="alg-hs256"),
        pytest.param(claims(algorithm="RS512"), NOT_ACCEPTABLE, id="alg-rs512"),
        pytest.param(header(alg=["RS256"]), NOT_ACCEPTABLE, id="alg-list"),
        pytest.param(header(alg=None), NOT_ACCEPTABLE, id="no-alg"),
        pytest.param(header(crit=["exp"]), NOT_ACCEPTABLE, id="crit"),
        pytest.param(header(typ="id+jwt"), NOT_ACCEPTABLE, id="typ-of-an-id-token"),
        pytest.param(header(kid="second"), NOT_ACCEPTABLE, id="unknown-kid"),
        pytest.param(header(kid=1), NOT_ACCEPTABLE, id="kid-number"),
        pytest.param(
            lambda issuer: issuer.mint(iss=issuer.url.rstrip("/")), OTHER_ISSUER, id="iss-without-slash"
        ),
        pytest.param(claims(iss=None), OTHER_ISSUER, id="no-iss"),
        pytest.param(lambda issuer: issuer.mint(iss=[issuer.url]), OTHER_ISSUER, id="iss-list"),
        pytest.param(claims(aud="https://other"), OTHER_AUDIENCE, id="other-aud"),
        pytest.param(claims(aud=[]), OTHER_AUDIENCE, id="no-aud-in-the-list"),
        pytest.param(claims(aud=None), OTHER_AUDIENCE, id="no-aud"),
        pytest.param(
            lambda issuer: issuer.mint(aud=[issuer.audience, 1]), OTHER_AUDIENCE, id="aud-with-a-number"
        ),
        pytest.param(claims(exp=NOW - 3600), EXPIRED, id="expired"),
        pytest.param(claims(exp=None), NOT_ACCEPTABLE, id="no-exp"),
        pytest.param(claims(exp="9999999999"), NOT_ACCEPTABLE, id="exp-string"),
        pytest.param(claims(exp=True), NOT_ACCEPTABLE, id="exp-boolean"),
        pytest.param(claims(iat=None), NOT_ACCEPTABLE, id="no-iat"),
        pytest.param(claims(exp=NOW + 31 * 86400), NOT_ACCEPTABLE, id="lives-31-days"),
        pytest.param(claims(iat=NOW + 600), NOT_YET_VALID, id="iat-in-the-future"),
        pytest.param(claims(nbf=NOW + 600), NOT_YET_VALID, id="nbf-in-the-future"),
        pytest.param(claims(nbf="0"), NOT_ACCEPTABLE, id="nbf-string"),
        pytest.param(claims(azp=None, sub=None), NOT_ACCEPTABLE, id="no-client"),
        pytest.param(claims(client_id="other"), NOT_ACCEPTABLE, id="client-id-unlike-azp"),
        pytest.param(claims(azp="x" * 256), NOT_ACCEPTABLE, id="client-too-long-to-store"),
        pytest.param(claims(azp="a\x00b"), NOT_ACCEPTABLE, id="nul-in-client"),
        pytest.param(claims(sub=7), NOT_ACCEPTABLE, id="sub-number"),
        pytest.param(claims(cnf={"x5t#S256": "a"}), NOT_ACCEPTABLE, id="bound-token"),
        pytest.param(lambda _: "opaque", NOT_ACCEPTABLE, id="opaque"),
        pytest.param(lambda issuer: issuer.mint() + ".", NOT_ACCEPTABLE, id="four-parts"),
        pytest.param(lambda issuer: issuer.mint() + "=", NOT_ACCEPTABLE, id="padded"),
        pytest.param(lambda issuer: issuer.mint().rsplit(".", 1)[0] + ".", NOT_ACCEPTABLE, id="no-signature"),
        pytest.param(signed(b"[]", b"{}"), NOT_ACCEPTABLE, id="header-list"),
        pytest.param(signed(b'{"alg":"RS256"}', b"{"), NOT_ACCEPTABLE, id="broken-payload"),
        pytest.param(
            signed(b'{"alg":"RS256","alg":"RS256"}', b"{}"),
            NOT_ACCEPTABLE,
            id="repeated-member",
        ),
        pytest.param(
            signed(b'{"alg":"RS256"}', b'{"exp":NaN}'),
            NOT_ACCEPTABLE,
            id="nan-in-payload",
        ),
        pytest.param(signed(b'{"alg":"RS256"}', b"[" * 4000), NOT_ACCEPTABLE, id="deep-payload"),
    ],
)
def test_a_bad_token_is_refused(upload: Upload, issuer: Issuer, mint: Mint, challenge: str) -> None:
    response = upload(token=mint(issuer))

    assert (response.status_code, response.json()["code"]) == (401, "invalid_token")
    assert response.headers["WWW-Authenticate"] == challenge
    assert not Timesheet.objects.exists()


def test_a_strangers_signature_is_refused(upload: Upload, issuer: Issuer, strangers_key: SigningKey) -> None:
    response = upload(token=issuer.mint(key=strangers_key))

    assert (response.status_code, response.json()["code"]) == (401, "invalid_token")
    assert response.headers["WWW-Authenticate"] == NOT_ACCEPTABLE


def test_a_changed_payload_is_refused(upload: Upload, issuer: Issuer) -> None:
    head, payload, signature = issuer.mint(scope="read:timesheets").split(".")
    granted = json.loads(base64.urlsafe_b64decode(payload + "=="))
    forged = base64.urlsafe_b64encode(json.dumps({**granted, "scope": "batch:upload"}).encode())

    response = upload(token=f"{head}.{forged.decode().rstrip('=')}.{signature}")

    assert (response.status_code, response.json()["code"]) == (401, "invalid_token")


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        pytest.param({}, "", id="no-credentials"),
        pytest.param({"Authorization": ""}, "", id="empty-header"),
        pytest.param({"Authorization": "Basic cGF5cm9sbDpzZWNyZXQ="}, "", id="basic"),
        pytest.param({"Authorization": "Bearertoken"}, "", id="another-scheme"),
        pytest.param({}, "?access_token={token}", id="token-in-the-query"),
        pytest.param({"Cookie": "access_token={token}"}, "", id="token-in-a-cookie"),
    ],
)
def test_without_a_bearer_the_answer_asks_for_one(
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
        pytest.param(f"Bearer {'a' * 8001}", "", id="over-8000-characters"),
        pytest.param("Bearer {token}", "?access_token={token}", id="header-and-query"),
    ],
)
def test_a_broken_bearer_is_a_bad_request(
    upload: Upload, issuer: Issuer, authorization: str, path: str
) -> None:
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


@pytest.mark.parametrize(
    "granted",
    [
        pytest.param({"scope": "read:timesheets"}, id="another-scope"),
        pytest.param({"scope": ""}, id="empty"),
        pytest.param({"scope": None}, id="none"),
        pytest.param({"scope": "batch:uploads Batch:upload"}, id="nearly"),
        pytest.param({"scope": 7}, id="number"),
        pytest.param({"scope": None, "permissions": ["batch:upload"]}, id="permissions"),
    ],
)
def test_a_token_without_the_scope_is_forbidden(
    upload: Upload, issuer: Issuer, granted: dict[str, Any]
) -> None:
    response = upload(token=issuer.mint(**granted))

    assert (response.status_code, response.json()["code"]) == (403, "insufficient_scope")
    assert response.headers["WWW-Authenticate"] == (
        f'Bearer realm="timesheets", error="insufficient_scope", scope="batch:upload", {METADATA}'
    )
    assert not Timesheet.objects.exists()


def test_no_log_record_holds_a_part_of_a_token(
    upload: Upload, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = issuer.mint(aud="https://other")

    upload(token=token)
    upload(token=issuer.mint())
    upload(token=None, path=f"/timesheets/upload?access_token={token}")

    assert "eyJ" not in caplog.text
    assert token.rsplit(".", 1)[1] not in caplog.text
