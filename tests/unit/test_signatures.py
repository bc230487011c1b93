"""What verify_signature refuses by itself, without the rules that run before it."""

import time
from typing import Any

import jwt
import pytest

from tests.kit.issuer import Issuer
from tests.kit.signing_keys import SigningKey
from timesheets.trust.access_tokens import verify_signature
from timesheets.trust.token_rules import Fault, TokenPolicy, TokenRejected
from timesheets.trust.unverified_tokens import read_unverified_token


class OneKey:
    """A key source that has this key for every `kid`."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key

    def find_key(self, key_id: str | None, algorithm: str) -> jwt.PyJWK:
        return jwt.PyJWK(self._key.to_jwk(), algorithm)


def verify(issuer: Issuer, key: SigningKey, token: str) -> None:
    policy = TokenPolicy(issuer=issuer.url, audience=issuer.audience)
    verify_signature(token, read_unverified_token(token), policy, OneKey(key))


def mint(issuer: Issuer, claims: dict[str, Any]) -> str:
    """A token whose times are in seconds from now."""
    now = int(time.time())
    times = {name: now + value for name, value in claims.items() if isinstance(value, int)}
    return issuer.mint(**{**claims, **times})


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({}, id="as-issued"),
        pytest.param({"exp": -20}, id="expired-within-the-leeway"),
        pytest.param({"aud": ["https://other", "https://timesheets.example.com"]}, id="several-audiences"),
    ],
)
def test_a_good_token_passes(issuer: Issuer, claims: dict[str, Any]) -> None:
    verify(issuer, issuer.key, mint(issuer, claims))


@pytest.mark.parametrize(
    ("claims", "fault"),
    [
        pytest.param({"exp": -40}, Fault.EXPIRED, id="expired"),
        pytest.param({"exp": None}, Fault.SIGNATURE, id="no-exp"),
        pytest.param({"iat": None}, Fault.SIGNATURE, id="no-iat"),
        pytest.param({"iss": None}, Fault.SIGNATURE, id="no-iss"),
        pytest.param({"aud": None}, Fault.SIGNATURE, id="no-aud"),
        pytest.param({"iat": 3600}, Fault.SIGNATURE, id="issued-in-the-future"),
        pytest.param({"nbf": 3600}, Fault.SIGNATURE, id="not-valid-yet"),
        pytest.param({"iss": "https://other.example/"}, Fault.SIGNATURE, id="other-issuer"),
        pytest.param({"aud": "https://other"}, Fault.SIGNATURE, id="other-audience"),
        pytest.param({"key": SigningKey("first", pair="strangers")}, Fault.SIGNATURE, id="strangers-key"),
    ],
)
def test_a_bad_token_is_refused_without_any_rule(
    issuer: Issuer, claims: dict[str, Any], fault: Fault
) -> None:
    with pytest.raises(TokenRejected) as rejection:
        verify(issuer, issuer.key, mint(issuer, claims))

    assert rejection.value.fault is fault


def test_a_weak_key_is_refused_even_if_the_key_source_has_it(issuer: Issuer) -> None:
    weak = SigningKey("first", bits=1024)

    with pytest.raises(TokenRejected) as rejection:
        verify(issuer, weak, issuer.mint(key=weak))

    assert (rejection.value.fault, rejection.value.reason) == (Fault.SIGNATURE, "InvalidKeyError")
