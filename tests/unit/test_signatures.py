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
    verify_signature(token, read_unverified_token(token)[0], policy, OneKey(key))


def mint(issuer: Issuer, claims: dict[str, Any]) -> str:
    """A token whose times are in seconds from now."""
    now = int(time.time())
    times = {name: now + value for name, value in claims.items() if isinstance(value, int)}
    return issuer.mint(**{**claims, **times})


@pytest.mark.parametrize(
    "claims", [{}, {"exp": -20}, {"aud": ["https://other", "https://timesheets.example.com"]}]
)
def test_a_good_token_passes(issuer: Issuer, claims: dict[str, Any]) -> None:
    verify(issuer, issuer.key, mint(issuer, claims))


@pytest.mark.parametrize(
    ("claims", "fault"),
    [
        ({"exp": -40}, Fault.EXPIRED),
        *(({name: None}, Fault.SIGNATURE) for name in ("exp", "iat", "iss", "aud")),
        *(({name: 3600}, Fault.SIGNATURE) for name in ("iat", "nbf")),
        ({"iss": "https://other.example/"}, Fault.SIGNATURE),
        ({"aud": "https://other"}, Fault.SIGNATURE),
        ({"key": SigningKey("first", pair="strangers")}, Fault.SIGNATURE),
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
