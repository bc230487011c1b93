"""What a remembered token still has to prove each time, and what ends it."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import jwt
import pytest
from jwt.algorithms import RSAAlgorithm

from tests.kit.issuer import Issuer
from tests.kit.signing_keys import SigningKey
from timesheets.trust.access_tokens import MAX_REMEMBERED_TOKENS, TokenMemory, verify_access_token
from timesheets.trust.principals import VerifiedToken
from timesheets.trust.token_rules import Fault, Profile, TokenPolicy, TokenRejected

NOW = int(time.time())


class CountingAlgorithm(RSAAlgorithm):
    """RS256, and how many signatures it has verified."""

    count = 0

    def verify(self, msg: bytes, key: Any, sig: bytes) -> bool:
        self.count += 1
        return super().verify(msg, key, sig)


class Keys:
    """A key source with one key, which can be published again, replaced or withdrawn."""

    def __init__(self, key: SigningKey) -> None:
        self.algorithm = CountingAlgorithm(RSAAlgorithm.SHA256)
        self.asked = 0
        self.publish(key)

    def publish(self, key: SigningKey) -> None:
        self.key: jwt.PyJWK | None = jwt.PyJWK(key.to_jwk(), "RS256")
        self.key.Algorithm = self.algorithm

    def find_key(self, key_id: str | None, algorithm: str) -> jwt.PyJWK:
        self.asked += 1
        if self.key is None:
            raise TokenRejected(Fault.KEY, "withdrawn")
        return self.key


@pytest.fixture
def policy(issuer: Issuer) -> TokenPolicy:
    return TokenPolicy(issuer=issuer.url, audience=issuer.audience)


@pytest.fixture
def keys(issuer: Issuer) -> Keys:
    return Keys(issuer.key)


Verify = Callable[..., VerifiedToken]


@pytest.fixture
def verify(policy: TokenPolicy, keys: Keys) -> Verify:
    memory = TokenMemory()

    def call(text: str, now: float | None = None, **changes: Any) -> VerifiedToken:
        return verify_access_token(text, replace(policy, **changes), keys, now or time.time(), memory)

    return call


@pytest.fixture
def token(issuer: Issuer, verify: Verify) -> str:
    """A token that is remembered."""
    token = issuer.mint()
    verify(token)
    return token


def find_fault(verify: Verify, *arguments: Any, **changes: Any) -> Fault:
    with pytest.raises(TokenRejected) as rejection:
        verify(*arguments, **changes)
    return rejection.value.fault


def test_a_signature_is_verified_once_and_the_key_is_asked_for_each_time(
    verify: Verify, keys: Keys, issuer: Issuer
) -> None:
    token = issuer.mint()

    answers = [verify(token) for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]
    assert (keys.algorithm.count, keys.asked) == (1, 3)


def test_a_withdrawn_key_ends_a_token_at_once(verify: Verify, keys: Keys, token: str) -> None:
    keys.key = None

    assert find_fault(verify, token) is Fault.KEY


def test_a_key_that_is_fetched_again_verifies_it_again(
    verify: Verify, keys: Keys, issuer: Issuer, token: str
) -> None:
    keys.publish(issuer.key)

    assert verify(token) == verify(token)
    assert keys.algorithm.count == 2


def test_another_key_of_the_same_id_ends_a_token(
    verify: Verify, keys: Keys, issuer: Issuer, token: str
) -> None:
    keys.publish(SigningKey(issuer.key.key_id, pair="strangers"))

    assert find_fault(verify, token) is Fault.SIGNATURE


@pytest.mark.parametrize(
    ("moment", "fault"),
    [
        pytest.param(NOW + 3600 + 29.9, None, id="expired-within-the-leeway"),
        pytest.param(NOW + 3600 + 30, Fault.EXPIRED, id="expired"),
        pytest.param(NOW - 30, None, id="issued-within-the-leeway"),
        pytest.param(NOW - 30.1, Fault.NOT_YET_VALID, id="not-issued-yet"),
    ],
)
def test_a_remembered_token_expires_to_the_second(
    verify: Verify, issuer: Issuer, moment: float, fault: Fault | None
) -> None:
    token = issuer.mint(iat=NOW, exp=NOW + 3600.7)
    verify(token)

    if fault:
        assert find_fault(verify, token, moment) is fault
    else:
        assert verify(token, moment).client.client_id == "payroll"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"issuer": "https://other.example/"}, Fault.ISSUER),
        ({"audience": "https://other.example"}, Fault.AUDIENCE),
        ({"algorithms": ("ES256",)}, Fault.ALGORITHM),
        ({"profile": Profile.RFC_9068}, Fault.TYPE),
    ],
)
def test_a_new_policy_ends_it(verify: Verify, token: str, changes: dict[str, Any], fault: Fault) -> None:
    assert find_fault(verify, token, **changes) is fault


def test_a_changed_scope_claim_changes_the_scopes(verify: Verify, issuer: Issuer) -> None:
    token = issuer.mint(scope="batch:upload", scp="read:timesheets")
    verify(token)

    assert verify(token, scope_claims=("scp",)).scopes == {"read:timesheets"}


def test_a_token_that_differs_in_one_byte_of_its_signature_is_refused(verify: Verify, token: str) -> None:
    position = token.rindex(".") + 100
    forged = f"{token[:position]}{'A' if token[position] != 'A' else 'B'}{token[position + 1 :]}"

    assert find_fault(verify, forged) is Fault.SIGNATURE
    assert find_fault(verify, forged) is Fault.SIGNATURE


def test_the_token_not_used_for_longest_is_forgotten_first(
    verify: Verify, keys: Keys, issuer: Issuer
) -> None:
    favorite = issuer.mint(azp="favorite")
    count = MAX_REMEMBERED_TOKENS + 10
    tokens = [issuer.mint(azp=f"client-{number}") for number in range(count)]

    for number, token in enumerate(tokens):
        assert verify(token).client.client_id == f"client-{number}"
        assert verify(favorite).client.client_id == "favorite"

    assert keys.algorithm.count == count + 1
    verify(tokens[-MAX_REMEMBERED_TOKENS + 1])
    assert keys.algorithm.count == count + 1
    verify(tokens[-MAX_REMEMBERED_TOKENS - 1])
    assert keys.algorithm.count == count + 2


def test_each_of_16_threads_gets_its_own_token(verify: Verify, issuer: Issuer) -> None:
    tokens = {f"client-{number}": issuer.mint(azp=f"client-{number}") for number in range(16)}

    def verify_all(first: int) -> list[str]:
        names = [*tokens][first:] + [*tokens][:first]
        return [name for name in names * 50 if verify(tokens[name]).client.client_id != name]

    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(verify_all, range(16))) == [[]] * 16


def test_the_memory_holds_no_token(issuer: Issuer, policy: TokenPolicy, keys: Keys) -> None:
    memory = TokenMemory()
    token = issuer.mint()

    verify_access_token(token, policy, keys, time.time(), memory)

    assert not any(part in repr(vars(memory)) for part in token.split("."))
