"""Any Authorization header: no crash, and the API accepts only what the issuer signed."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.api.conftest import TUTORIAL_ENTRY, status_and_code
from tests.kit.django_client import ClientResponse
from tests.kit.examples import try_examples
from tests.kit.issuer import Issuer, to_base64url
from timesheets.models import Timesheet

try_many = try_examples("API_EXAMPLES", 60)
BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
REFUSALS = {(400, "invalid_request"), (401, "not_authenticated"), (401, "invalid_token")}

Send = Callable[[str], ClientResponse]

# A server passes the header on as Latin-1, without line breaks.
header_text = st.text(st.characters(max_codepoint=0xFF, exclude_characters="\r\n\x00"), max_size=200)
part = st.one_of(
    st.text(BASE64URL, max_size=60),
    st.binary(max_size=60).map(to_base64url),
    st.text(BASE64URL + "=+/~.", max_size=20),
)
json_value = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture
def send(issuer: Issuer, client: Client, db: None) -> Send:
    """Post the tutorial's entry with this Authorization header."""

    def post(authorization: str) -> ClientResponse:
        return client.post(
            "/timesheets/upload",
            json.dumps(TUTORIAL_ENTRY),
            content_type="application/json",
            headers={"Authorization": authorization},
        )

    return post


@pytest.fixture
def good_token(issuer: Issuer, send: Send) -> str:
    token = issuer.mint()
    assert send(f"Bearer {token}").status_code == 201
    Timesheet.objects.all().delete()
    return token


def expect_refusal(response: ClientResponse) -> None:
    assert status_and_code(response) in REFUSALS
    assert response.headers["WWW-Authenticate"].startswith('Bearer realm="timesheets", ')
    assert not Timesheet.objects.exists()


@try_many
@given(scheme=st.sampled_from(["", "Bearer ", "bearer  ", "Bearer", "Bearer\t"]), value=header_text)
def test_a_random_header_is_refused(send: Send, scheme: str, value: str) -> None:
    expect_refusal(send(scheme + value))


@try_many
@given(parts=st.lists(part, min_size=1, max_size=6))
def test_random_token_parts_are_refused(send: Send, parts: list[str]) -> None:
    expect_refusal(send(f"Bearer {'.'.join(parts)}"))


@try_many
@given(chosen=st.lists(st.integers(0, 2), min_size=1, max_size=4), foreign=part)
def test_a_rearranged_token_is_refused(send: Send, good_token: str, chosen: list[int], foreign: str) -> None:
    parts = good_token.split(".")
    arranged = [parts[number] for number in chosen]
    assume(arranged != parts)

    expect_refusal(send(f"Bearer {'.'.join(arranged)}"))
    expect_refusal(send(f"Bearer {'.'.join([*arranged[:2], foreign])}"))


@try_many
@given(place=st.floats(0, 1), cut=st.integers(0, 3), put_in=st.text(BASE64URL + ".=", max_size=3))
def test_a_changed_token_is_refused(send: Send, good_token: str, place: float, cut: int, put_in: str) -> None:
    at = int(place * len(good_token))
    mutant = good_token[:at] + put_in + good_token[at + cut :]
    assume(mutant != good_token)

    expect_refusal(send(f"Bearer {mutant}"))


HEADER_NAMES = "alg typ kid crit b64 zip enc cty jwk jku x5c x5u"
CLAIM_NAMES = "iss aud exp iat nbf sub azp client_id jti cnf scope scp gty"


@try_many
@given(
    header=st.dictionaries(st.sampled_from(HEADER_NAMES.split()), json_value, max_size=4),
    claims=st.dictionaries(st.sampled_from(CLAIM_NAMES.split()), json_value, max_size=4),
)
def test_any_signed_header_and_claims_get_a_decision(
    send: Send, issuer: Issuer, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    good = json.loads(base64.urlsafe_b64decode(issuer.mint().split(".")[1] + "=="))
    token = issuer.sign(
        json.dumps({"alg": "RS256", "kid": "first", **header}).encode(),
        json.dumps({**good, **claims}).encode(),
    )

    verdict = status_and_code(send(f"Bearer {token}"))

    assert verdict in REFUSALS | {(403, "insufficient_scope"), (201, "")}
    # Only unchanged members, and those that no rule checks, are accepted.
    if verdict[0] in (201, 403):
        assert not {"alg", "crit", "b64", "zip", "enc", "cty"} & header.keys() or header.get("alg") == "RS256"
        assert not {"iss", "aud", "cnf"} & claims.keys()
    Timesheet.objects.all().delete()


random_json = st.binary(max_size=60) | json_value.map(lambda value: json.dumps(value).encode())


@try_many
@given(random=random_json)
def test_random_bytes_signed_as_a_header_or_as_claims_are_refused(
    send: Send, issuer: Issuer, random: bytes
) -> None:
    good_claims = base64.urlsafe_b64decode(issuer.mint().split(".")[1] + "==")

    expect_refusal(send(f"Bearer {issuer.sign(random, good_claims)}"))
    expect_refusal(send("Bearer " + issuer.sign(b'{"alg":"RS256","kid":"first"}', random)))
