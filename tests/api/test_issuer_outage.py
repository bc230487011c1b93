"""The responses while the issuer's keys are unavailable, and how rarely the API asks for them."""

import time
from typing import Any

import pytest

from tests.api.conftest import Upload, status_and_code
from tests.kit.issuer import Issuer
from tests.kit.responders import Responder, close, document
from tests.kit.signing_keys import SigningKey


@pytest.fixture
def issuer(fresh_issuer: Issuer) -> Issuer:
    return fresh_issuer


@pytest.mark.parametrize(
    "answer",
    [document({"keys": []}, 500), close, document({"keys": []})],
    ids=["error", "no-answer", "no-keys"],
)
def test_an_issuer_without_keys_is_unavailable(
    upload: Upload, issuer: Issuer, answer: Responder, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.answers[issuer.jwks_path] = answer

    response = upload()

    assert status_and_code(response) == (503, "issuer_unavailable")
    assert 1 <= int(response.headers["Retry-After"]) <= 30
    assert "WWW-Authenticate" not in response.headers
    assert "Run manage.py check_issuer to see why." in caplog.text


@pytest.mark.parametrize(
    ("shift", "advice"),
    [(3600, "iat or nbf is in the future: compare the clocks"), (-3600, "exp has passed")],
)
def test_a_clock_that_is_off_by_an_hour_is_in_the_log(
    upload: Upload, issuer: Issuer, shift: int, advice: str, caplog: pytest.LogCaptureFixture
) -> None:
    now = int(time.time()) + shift

    refused = upload(token=issuer.mint(iat=now, exp=now + 600))

    assert status_and_code(refused) == (401, "invalid_token")
    assert advice in caplog.text
    assert upload().status_code == 201


@pytest.mark.parametrize(
    "changes",
    [{"aud": "https://other"}, {"exp": 1}, {"header": {"crit": ["exp"]}}, {"header": {"kid": 7}}],
)
def test_a_token_that_breaks_a_rule_is_refused_while_the_issuer_is_dead(
    upload: Upload, issuer: Issuer, changes: dict[str, Any]
) -> None:
    issuer.answers[issuer.jwks_path] = close

    assert status_and_code(upload(token=issuer.mint(**changes))) == (401, "invalid_token")
    assert issuer.count() == 0


def test_an_unknown_kid_is_unavailable_while_the_issuer_is_dead(upload: Upload, issuer: Issuer) -> None:
    upload()
    issuer.answers[issuer.jwks_path] = close

    response = upload(token=issuer.mint(key=SigningKey("second")))

    assert status_and_code(response) == (503, "issuer_unavailable")
    assert "WWW-Authenticate" not in response.headers


def test_the_issuers_metadata_say_where_its_keys_are(upload: Upload, issuer: Issuer, settings: Any) -> None:
    settings.OAUTH = {**settings.OAUTH, "JWKS_URL": ""}

    assert upload().status_code == 201
    assert issuer.count(issuer.openid_path) == 1
