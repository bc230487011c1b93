"""The responses while the issuer's keys are unavailable, and how rarely the API asks for them."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings

from tests.api.conftest import Upload
from tests.kit.issuer import Issuer
from tests.kit.responders import Responder, close, document
from tests.kit.signing_keys import SigningKey
from timesheets.authentication import get_issuer_keys


@pytest.fixture
def issuer(settings: Any) -> Iterator[Issuer]:
    """An issuer that the API trusts, but whose keys it has not fetched yet."""
    get_issuer_keys.cache_clear()
    issuer = Issuer(audience=django_settings.OAUTH["AUDIENCE"])
    settings.OAUTH = {**settings.OAUTH, "ISSUER": issuer.url, "JWKS_URL": issuer.jwks_url}
    yield issuer
    issuer.stop()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(document({"keys": []}, 500), id="error"),
        pytest.param(close, id="no-answer"),
        pytest.param(document({"keys": []}), id="no-keys"),
    ],
)
def test_an_issuer_without_keys_is_unavailable(
    upload: Upload, issuer: Issuer, answer: Responder, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.answers[issuer.jwks_path] = answer

    response = upload()

    assert (response.status_code, response.json()["code"]) == (503, "issuer_unavailable")
    assert 1 <= int(response.headers["Retry-After"]) <= 30
    assert "WWW-Authenticate" not in response.headers
    assert "Run manage.py check_issuer to see why." in caplog.text


@pytest.mark.parametrize(
    ("shift", "advice"),
    [
        pytest.param(3600, "iat or nbf is in the future: compare the clocks", id="the-issuer-is-ahead"),
        pytest.param(-3600, "exp has passed", id="the-issuer-is-behind"),
    ],
)
def test_a_clock_that_is_off_by_an_hour_is_in_the_log(
    upload: Upload, issuer: Issuer, shift: int, advice: str, caplog: pytest.LogCaptureFixture
) -> None:
    now = int(time.time()) + shift

    refused = upload(token=issuer.mint(iat=now, exp=now + 600))

    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")
    assert advice in caplog.text
    assert upload().status_code == 201


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"aud": "https://other"}, id="other-audience"),
        pytest.param({"exp": 1}, id="expired"),
        pytest.param({"header": {"crit": ["exp"]}}, id="crit"),
        pytest.param({"header": {"kid": 7}}, id="kid-number"),
    ],
)
def test_a_token_that_breaks_a_rule_is_refused_while_the_issuer_is_dead(
    upload: Upload, issuer: Issuer, changes: dict[str, Any]
) -> None:
    issuer.answers[issuer.jwks_path] = close

    response = upload(token=issuer.mint(**changes))

    assert (response.status_code, response.json()["code"]) == (401, "invalid_token")
    assert issuer.count() == 0


def test_a_new_key_of_the_issuer_is_accepted_at_once(upload: Upload, issuer: Issuer) -> None:
    upload()
    issuer.rotate()

    assert upload().status_code == 201
    assert issuer.count() == 2


def test_forged_kids_cause_one_request_to_the_issuer(upload: Upload, issuer: Issuer) -> None:
    upload()

    codes = {upload(token=issuer.mint(header={"kid": f"forged-{n}"})).json()["code"] for n in range(5)}

    assert codes == {"invalid_token"}
    assert issuer.count() == 2


def test_an_unknown_kid_is_unavailable_while_the_issuer_is_dead(upload: Upload, issuer: Issuer) -> None:
    upload()
    issuer.answers[issuer.jwks_path] = close

    response = upload(token=issuer.mint(key=SigningKey("second")))

    assert (response.status_code, response.json()["code"]) == (503, "issuer_unavailable")
    assert "WWW-Authenticate" not in response.headers


def test_the_issuers_metadata_say_where_its_keys_are(upload: Upload, issuer: Issuer, settings: Any) -> None:
    settings.OAUTH = {**settings.OAUTH, "JWKS_URL": ""}

    assert upload().status_code == 201
    assert issuer.count(issuer.openid_path) == 1
