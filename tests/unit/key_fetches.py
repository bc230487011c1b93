"""A cache of an issuer's keys whose clock and fetches the test controls."""

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

import pytest

from tests.kit.issuer import Issuer
from tests.kit.responders import Responder, after, document
from tests.kit.signing_keys import SigningKey
from timesheets.trust import issuers
from timesheets.trust.jwk_sets import UsableKey, read_usable_keys
from timesheets.trust.jwks import FetchedKeys, IssuerKeys, KeysUnavailable
from timesheets.trust.token_rules import TokenRejected

Fetch = Callable[[], FetchedKeys]


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


class Cache:
    """The keys of a real issuer, not fetched yet."""

    def __init__(self, issuer: Issuer, gate: threading.Event) -> None:
        self.issuer, self.gate, self.clock = issuer, gate, Clock()
        trusted = issuers.Issuer(url=issuer.url, jwks_url=issuer.jwks_url)
        self.keys = IssuerKeys(partial(issuers.fetch_keys, trusted, ("RS256",)), self.clock)

    def find(self, key_id: str | None = "first", *, after: float = 0) -> str:
        """The outcome for a token with this `kid`, so many seconds later."""
        self.clock.forward(after)
        return find(self.keys, key_id)

    def refresh(self, *, after: float = 601) -> str:
        """The outcome for the first key, so many seconds later. Any fetch has ended then."""
        outcome = self.find(after=after)
        finish_fetches()
        return outcome

    def answer(self, answer: Responder) -> None:
        self.issuer.answers[self.issuer.jwks_path] = answer

    def hold(self) -> None:
        """Answer with the present keys, once the gate opens."""
        self.answer(after(self.gate, document({"keys": [key.to_jwk() for key in self.issuer.keys]})))


class Fetches:
    """Fetches that take turns with these results; the last one repeats. `begun` has the time of each."""

    def __init__(self, clock: Clock, *results: Fetch) -> None:
        self._results = itertools.chain(results, itertools.repeat(results[-1]))
        self._clock = clock
        self.begun: list[float] = []

    def __call__(self) -> FetchedKeys:
        self.begun.append(self._clock.now)
        return next(self._results)()


def bring(key_id: str) -> FetchedKeys:
    """The result of a fetch that finds this key."""
    [key] = read_usable_keys({"keys": [SigningKey(key_id).to_jwk()]}, ("RS256",))
    assert isinstance(key, UsableKey)
    return FetchedKeys(keys=[key], fresh_seconds=600)


def succeed() -> FetchedKeys:
    return bring("first")


def fail() -> FetchedKeys:
    raise KeysUnavailable("the issuer is down")


def once_open(gate: threading.Event, fetch: Fetch) -> Fetch:
    def wait_first() -> FetchedKeys:
        gate.wait(30)
        return fetch()

    return wait_first


def find(keys: IssuerKeys, key_id: str | None = "first") -> str:
    """The outcome for a token with this `kid`."""
    try:
        key = keys.find_key(key_id, "RS256")
    except TokenRejected:
        return "unknown"
    except KeysUnavailable as failure:
        return "unavailable" if 1 <= failure.retry_after_seconds <= 30 else "unavailable for too long"
    return "found" if key_id in (key.key_id, None) else "found another"


def explain(keys: IssuerKeys, key_id: str = "first") -> tuple[str, int]:
    """Why this key is unavailable, and after how many seconds to ask again."""
    with pytest.raises(KeysUnavailable) as refusal:
        keys.find_key(key_id, "RS256")
    return str(refusal.value), refusal.value.retry_after_seconds


def running_fetches() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "issuer-keys"]


def finish_fetches() -> None:
    for thread in running_fetches():
        thread.join(10)


def collect(futures: list[Future[Any]]) -> set[Any]:
    return {future.result(10) for future in futures}
