"""The cache of the issuer's keys: who waits for a fetch, who starts one, and how long keys stay in use."""

import itertools
import queue
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from functools import partial

import pytest

from tests.kit.issuer import Issuer
from tests.kit.processes import run_python
from tests.kit.responders import Responder, after, close, document, take_turns
from tests.kit.signing_keys import SigningKey
from timesheets.trust import issuers
from timesheets.trust.jwk_sets import UsableKey, read_usable_keys
from timesheets.trust.jwks import MAX_WAITING_CALLERS, FetchedKeys, IssuerKeys, KeysUnavailable, KeyUnknown

HOUR = 3600
DAY = 24 * HOUR


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer(audience="https://timesheets.example.com")
    yield issuer
    issuer.stop()
    finish_fetches()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(issuer: Issuer, clock: Clock) -> IssuerKeys:
    """The keys of `issuer`, not fetched yet."""
    trusted = issuers.Issuer(url=issuer.url, jwks_url=issuer.jwks_url)
    return IssuerKeys(partial(issuers.fetch_keys, trusted, ("RS256",)), clock)


@pytest.fixture
def warm_keys(keys: IssuerKeys) -> IssuerKeys:
    find(keys, "first")
    return keys


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """An event that a response waits for. It is set at the end, so that nothing keeps waiting."""
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(50) as callers:
        yield callers


def find(keys: IssuerKeys, key_id: str | None) -> str:
    """The outcome for a token with this `kid`."""
    try:
        key = keys.find_key(key_id, "RS256")
    except KeyUnknown:
        return "unknown"
    except KeysUnavailable as failure:
        return "unavailable" if 1 <= failure.retry_after_seconds <= 30 else "unavailable for too long"
    return "found" if key_id in (key.key_id, None) else "found another"


def make_fetched_keys(key_id: str) -> FetchedKeys:
    """The result of a fetch that finds this key."""
    [key] = read_usable_keys({"keys": [SigningKey(key_id).to_jwk()]}, ("RS256",))
    assert isinstance(key, UsableKey)
    return FetchedKeys(keys=[key], max_age_seconds=None)


def running_fetches() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "issuer-keys"]


def finish_fetches() -> None:
    for thread in running_fetches():
        thread.join(10)


def collect(futures: list[Future[str]]) -> set[str]:
    return {future.result(10) for future in futures}


# A known key


def test_keys_are_fetched_on_first_use(issuer: Issuer, keys: IssuerKeys) -> None:
    before = issuer.count()

    outcome = find(keys, "first")

    assert (before, outcome, issuer.count()) == (0, "found", 1)


def test_callers_that_need_the_first_keys_share_one_fetch(
    issuer: Issuer, keys: IssuerKeys, gate: threading.Event, callers: ThreadPoolExecutor
) -> None:
    issuer.answers[issuer.jwks_path] = after(gate, document({"keys": [issuer.key.to_jwk()]}))

    waiting = [callers.submit(find, keys, "first") for _ in range(50)]
    issuer.wait_for_request(1)
    gate.set()

    assert collect(waiting) == {"found"}
    assert issuer.count() == 1


def test_a_known_key_does_not_wait_while_its_refresh_hangs(
    issuer: Issuer, warm_keys: IssuerKeys, clock: Clock, gate: threading.Event
) -> None:
    issuer.answers[issuer.jwks_path] = after(gate, close)
    clock.forward(601)

    outcomes = {find(warm_keys, "first") for _ in range(100)}
    issuer.wait_for_request(2)
    outcomes |= {find(warm_keys, "first") for _ in range(100)}

    assert outcomes == {"found"}
    assert len(running_fetches()) == 1


def test_a_known_key_needs_no_lock(callers: ThreadPoolExecutor, gate: threading.Event) -> None:
    holds_lock = threading.Event()
    fetches = itertools.count(1)

    def clock() -> float:
        # A finished fetch reads the clock while it holds the lock.
        if threading.current_thread().name == "issuer-keys" and next(fetches) == 2:
            holds_lock.set()
            gate.wait(10)
        return 1000.0

    keys = IssuerKeys(lambda: make_fetched_keys("first"), clock)
    find(keys, "first")
    callers.submit(find, keys, "forged")
    assert holds_lock.wait(10)

    assert callers.submit(find, keys, "first").result(5) == "found"


def test_stale_keys_are_refreshed_by_one_thread(
    issuer: Issuer, warm_keys: IssuerKeys, clock: Clock, gate: threading.Event, callers: ThreadPoolExecutor
) -> None:
    issuer.answers[issuer.jwks_path] = after(gate, document({"keys": [issuer.key.to_jwk()]}))
    clock.forward(601)

    outcomes = collect([callers.submit(find, warm_keys, "first") for _ in range(200)])
    gate.set()
    finish_fetches()

    assert outcomes == {"found"}
    assert issuer.count() == 2


def test_a_refresh_adds_new_keys(issuer: Issuer, warm_keys: IssuerKeys, clock: Clock) -> None:
    issuer.rotate()
    clock.forward(601)
    find(warm_keys, "first")
    finish_fetches()

    outcome = find(warm_keys, "second")

    assert (outcome, issuer.count()) == ("found", 2)


def test_a_refresh_removes_withdrawn_keys(issuer: Issuer, warm_keys: IssuerKeys, clock: Clock) -> None:
    issuer.rotate()
    issuer.withdraw("first")
    clock.forward(601)
    find(warm_keys, "first")
    finish_fetches()

    outcomes = find(warm_keys, "first"), find(warm_keys, "second")

    assert outcomes == ("unknown", "found")


@pytest.mark.parametrize(
    ("cache_control", "seconds"),
    [
        pytest.param("", 600, id="none"),
        pytest.param("max-age=120", 120, id="two-minutes"),
        pytest.param("public, max-age=7200, must-revalidate", 7200, id="among-others"),
        pytest.param("Max-Age=120", 120, id="capitals"),
        pytest.param('max-age="120"', 120, id="quoted"),
        pytest.param("max-age=0", 60, id="zero"),
        pytest.param("max-age=59", 60, id="under-a-minute"),
        pytest.param("max-age=86400", DAY, id="a-day"),
        pytest.param("max-age=999999999999999999999", DAY, id="huge"),
        pytest.param("max-age=-1", 600, id="negative"),
        pytest.param("max-age=soon", 600, id="no-number"),
        pytest.param("s-maxage=120", 600, id="for-shared-caches"),
        pytest.param("no-store", 600, id="no-store"),
    ],
)
def test_keys_are_cached_for_the_max_age_within_limits(
    issuer: Issuer, keys: IssuerKeys, clock: Clock, cache_control: str, seconds: float
) -> None:
    issuer.headers = {"Cache-Control": cache_control}
    find(keys, "first")

    clock.forward(seconds - 1)
    find(keys, "first")
    finish_fetches()
    early = issuer.count()
    clock.forward(1)
    find(keys, "first")
    finish_fetches()

    assert (early, issuer.count()) == (1, 2)


# An unknown key


def test_a_rotated_key_is_accepted_at_once_even_right_after_the_start(
    issuer: Issuer, warm_keys: IssuerKeys
) -> None:
    issuer.rotate()

    assert find(warm_keys, "second") == "found"
    assert issuer.count() == 2


def test_an_unknown_kid_causes_one_request_per_cool_down(
    issuer: Issuer, warm_keys: IssuerKeys, clock: Clock
) -> None:
    counts = []

    for seconds in (0, 1, 28.9, 0.1, 29.9, 0.1):
        clock.forward(seconds)
        assert find(warm_keys, "forged") == "unknown"
        counts.append(issuer.count())

    assert counts == [2, 2, 2, 3, 3, 4]


def test_an_unknown_kid_needs_only_one_fetch_at_the_start(issuer: Issuer, keys: IssuerKeys) -> None:
    assert find(keys, "forged") == "unknown"
    assert issuer.count() == 1


def test_callers_that_wait_for_an_unknown_key_share_one_fetch(
    issuer: Issuer, warm_keys: IssuerKeys, gate: threading.Event, callers: ThreadPoolExecutor
) -> None:
    issuer.answers[issuer.jwks_path] = after(gate, document({"keys": [issuer.key.to_jwk()]}))

    waiting = [callers.submit(find, warm_keys, f"forged-{number}") for number in range(MAX_WAITING_CALLERS)]
    issuer.wait_for_request(2)
    gate.set()

    assert collect(waiting) == {"unknown"}
    assert issuer.count() == 2


def test_all_callers_that_wait_for_a_rotated_key_get_it(
    issuer: Issuer, warm_keys: IssuerKeys, gate: threading.Event, callers: ThreadPoolExecutor
) -> None:
    second = issuer.rotate()
    issuer.answers[issuer.jwks_path] = after(gate, document({"keys": [second.to_jwk()]}))

    waiting = [callers.submit(find, warm_keys, "second") for _ in range(MAX_WAITING_CALLERS)]
    issuer.wait_for_request(2)
    gate.set()

    assert collect(waiting) == {"found"}
    assert issuer.count() == 2


def test_a_key_rotated_during_a_refresh_is_accepted(
    issuer: Issuer, warm_keys: IssuerKeys, clock: Clock, gate: threading.Event, callers: ThreadPoolExecutor
) -> None:
    issuer.answers[issuer.jwks_path] = after(gate, document({"keys": [issuer.key.to_jwk()]}))
    clock.forward(601)
    find(warm_keys, "first")
    issuer.wait_for_request(2)
    issuer.rotate()
    issuer.behave()
    clock.forward(1)

    waiting = [callers.submit(find, warm_keys, "second") for _ in range(10)]
    gate.set()

    assert collect(waiting) == {"found"}
    assert issuer.count() == 3


def test_forged_tokens_do_not_delay_honest_callers(
    issuer: Issuer, warm_keys: IssuerKeys, gate: threading.Event, callers: ThreadPoolExecutor
) -> None:
    issuer.answers[issuer.jwks_path] = after(gate, document({"keys": [issuer.key.to_jwk()]}))
    forged = [callers.submit(find, warm_keys, f"forged-{number}") for number in range(1000)]
    issuer.wait_for_request(2)

    honest = {find(warm_keys, "first") for _ in range(1000)}
    was_waiting_for = running_fetches()
    gate.set()

    assert honest == {"found"}
    assert len(was_waiting_for) == 1
    assert collect(forged) <= {"unknown", "unavailable"}
    assert issuer.count() == 2


def test_sixteen_callers_wait_for_an_unknown_key_and_the_others_fail_at_once(
    issuer: Issuer, warm_keys: IssuerKeys, clock: Clock, callers: ThreadPoolExecutor
) -> None:
    for _ in range(2):
        gate = threading.Event()
        issuer.answers[issuer.jwks_path] = after(gate, close)
        asking = [callers.submit(find, warm_keys, "second") for _ in range(200)]
        at_once = [future.result() for future in itertools.islice(as_completed(asking, 10), 184)]
        waiting = [future for future in asking if not future.done()]
        gate.set()

        assert (len(waiting), set(at_once), collect(waiting)) == (16, {"unavailable"}, {"unavailable"})
        clock.forward(30)

    issuer.publish(SigningKey("second").to_jwk())
    assert collect([callers.submit(find, warm_keys, "second") for _ in range(16)]) == {"found"}


def test_a_thousand_forged_tokens_cause_one_request_per_cool_down(
    issuer: Issuer, warm_keys: IssuerKeys, clock: Clock, callers: ThreadPoolExecutor
) -> None:
    numbers = itertools.count()

    for _ in range(3):
        forged = [callers.submit(find, warm_keys, f"forged-{next(numbers)}") for _ in range(350)]
        assert collect(forged) <= {"unknown", "unavailable"}
        clock.forward(30)

    assert issuer.count() == 1 + 3


def test_an_unknown_kid_is_unavailable_for_a_cool_down_after_a_failed_fetch(
    issuer: Issuer, warm_keys: IssuerKeys, clock: Clock
) -> None:
    issuer.answers[issuer.jwks_path] = close
    outcomes = [find(warm_keys, "second")]
    issuer.behave()

    for seconds in (0, 29.9, 0.1):
        clock.forward(seconds)
        outcomes.append(find(warm_keys, "second"))

    assert outcomes == ["unavailable", "unavailable", "unavailable", "unknown"]
    assert issuer.count() == 3


def test_a_known_key_stays_in_use_while_a_fetch_for_another_fails(
    issuer: Issuer, warm_keys: IssuerKeys
) -> None:
    issuer.stop()
    find(warm_keys, "second")

    assert find(warm_keys, "first") == "found"


def test_a_token_without_a_kid_causes_no_request(issuer: Issuer, warm_keys: IssuerKeys) -> None:
    assert find(warm_keys, None) == "found"
    assert issuer.count() == 1


def test_a_token_without_a_kid_is_refused_if_there_are_two_keys(issuer: Issuer, keys: IssuerKeys) -> None:
    issuer.rotate()

    outcomes = find(keys, None), find(keys, None)

    assert outcomes == ("unknown", "unknown")
    assert issuer.count() == 1


def test_a_key_verifies_only_its_own_algorithm(warm_keys: IssuerKeys) -> None:
    with pytest.raises(KeyUnknown):
        warm_keys.find_key("first", "PS256")


# An issuer that fails


def test_keys_are_unavailable_if_the_issuer_was_never_up(issuer: Issuer, keys: IssuerKeys) -> None:
    issuer.stop()

    outcomes = find(keys, "first"), find(keys, "forged"), find(keys, None)

    assert outcomes == ("unavailable",) * 3


def test_failed_fetches_back_off_from_one_second_to_thirty(
    issuer: Issuer, keys: IssuerKeys, clock: Clock
) -> None:
    issuer.answers[issuer.jwks_path] = close
    find(keys, "first")

    for number, seconds in enumerate((1, 2, 4, 8, 16, 30, 30), 1):
        clock.forward(seconds - 0.1)
        find(keys, "first")
        too_early = issuer.count()
        clock.forward(0.1)
        find(keys, "first")

        assert (too_early, issuer.count()) == (number, number + 1)


def test_failed_refreshes_back_off_too(issuer: Issuer, warm_keys: IssuerKeys, clock: Clock) -> None:
    issuer.answers[issuer.jwks_path] = close
    clock.forward(601)
    counts = []

    for seconds in (0, 0.9, 0.1, 1.9, 0.1):
        clock.forward(seconds)
        find(warm_keys, "first")
        finish_fetches()
        counts.append(issuer.count())

    assert counts == [2, 2, 3, 3, 4]


def test_a_success_ends_the_back_off(issuer: Issuer, keys: IssuerKeys, clock: Clock) -> None:
    issuer.answers[issuer.jwks_path] = take_turns(close, close, document({"keys": [issuer.key.to_jwk()]}))
    outcomes = []

    for seconds in (0, 1, 2, 601, 1):
        clock.forward(seconds)
        outcomes.append(find(keys, "first"))
        finish_fetches()

    assert outcomes == ["unavailable", "unavailable", "found", "found", "found"]
    assert issuer.count() == 5


def test_known_keys_stay_in_use_for_a_day_after_the_issuer_dies(
    issuer: Issuer, warm_keys: IssuerKeys, clock: Clock
) -> None:
    issuer.stop()
    outcomes = set()

    for _ in range(24):
        clock.forward(HOUR)
        outcomes.add(find(warm_keys, "first"))
        finish_fetches()

    assert outcomes == {"found"}


def test_keys_with_a_max_age_of_a_day_stay_in_use_while_the_issuer_is_down(
    issuer: Issuer, keys: IssuerKeys, clock: Clock, gate: threading.Event
) -> None:
    issuer.headers = {"Cache-Control": "max-age=86400"}
    find(keys, "first")
    clock.forward(DAY - 1)
    issuer.answers[issuer.jwks_path] = after(gate, close)

    clock.forward(HOUR)
    outcome = find(keys, "first")

    assert outcome == "found"
    assert len(running_fetches()) == 1


def test_keys_are_unavailable_after_a_day_without_the_issuer(
    issuer: Issuer, warm_keys: IssuerKeys, clock: Clock
) -> None:
    issuer.stop()

    clock.forward(DAY + 600)
    last = find(warm_keys, "first")
    finish_fetches()
    clock.forward(1)

    assert (last, find(warm_keys, "first")) == ("found", "unavailable")


def test_keys_are_ready_until_a_day_after_they_became_stale(
    issuer: Issuer, keys: IssuerKeys, clock: Clock
) -> None:
    keys.require_keys()
    issuer.stop()

    clock.forward(DAY + 600)
    keys.require_keys()
    finish_fetches()
    clock.forward(1)

    with pytest.raises(KeysUnavailable):
        keys.require_keys()
    assert issuer.count() == 1


def test_an_issuer_that_comes_back_after_days_is_asked_again(
    issuer: Issuer, warm_keys: IssuerKeys, clock: Clock
) -> None:
    issuer.stop()
    clock.forward(3 * DAY)
    find(warm_keys, "first")
    issuer.start()

    clock.forward(30)

    assert find(warm_keys, "first") == "found"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(document({"keys": []}), id="no-keys"),
        pytest.param(document({}), id="no-set"),
        pytest.param(document({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "first"}]}), id="secret-key"),
        pytest.param(document({"keys": [SigningKey("first").to_jwk(use="enc")]}), id="for-encryption"),
        pytest.param(document({"keys": [SigningKey("weak", bits=1024).to_jwk()]}), id="weak"),
        pytest.param(
            document({"keys": [SigningKey("first").to_jwk(), SigningKey("first", pair="other").to_jwk()]}),
            id="two-keys-under-one-kid",
        ),
        pytest.param(document({"keys": [SigningKey("second").to_jwk()]}, 500), id="error"),
    ],
)
def test_a_fetch_without_a_usable_key_changes_nothing(
    issuer: Issuer, warm_keys: IssuerKeys, clock: Clock, answer: Responder
) -> None:
    issuer.answers[issuer.jwks_path] = answer
    clock.forward(601)
    find(warm_keys, "first")
    finish_fetches()

    outcome = find(warm_keys, "first")

    assert (outcome, issuer.count()) == ("found", 2)


def test_a_key_that_all_servers_of_an_issuer_know_stays_in_use_while_they_disagree(
    issuer: Issuer, warm_keys: IssuerKeys, clock: Clock
) -> None:
    first, second = SigningKey("first").to_jwk(), SigningKey("second").to_jwk()
    issuer.answers[issuer.jwks_path] = take_turns(
        document({"keys": [first, second]}), close, document({"keys": [first]}), document({"keys": []})
    )
    outcomes = set()

    for _ in range(12):
        clock.forward(601)
        outcomes.add(find(warm_keys, "first"))
        finish_fetches()

    assert outcomes == {"found"}
    assert issuer.count() == 13


@pytest.fixture
def restless_threads() -> Iterator[None]:
    """Switch threads so often that they wake up in every order."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def test_callers_that_wake_up_after_the_next_success_still_get_the_failure(
    clock: Clock, gate: threading.Event, restless_threads: None
) -> None:
    outcomes: Iterator[FetchedKeys | KeysUnavailable] = itertools.chain(
        [KeysUnavailable("just this once")], itertools.repeat(make_fetched_keys("first"))
    )
    seconds_to_wait = iter([30.0])

    def fetch() -> FetchedKeys:
        gate.wait(10)
        if isinstance(outcome := next(outcomes), KeysUnavailable):
            raise outcome
        return outcome

    def ask_twice(keys: IssuerKeys) -> tuple[str, str]:
        first = find(keys, "first")
        clock.forward(next(seconds_to_wait, 0))
        return first, find(keys, "first")

    keys = IssuerKeys(fetch, clock)
    with ThreadPoolExecutor(200) as callers:
        waiting = [callers.submit(ask_twice, keys) for _ in range(200)]
        gate.set()

    assert ("unavailable", "found") in {future.result() for future in waiting}


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, 1), (1.4, 1), (1.6, 2), (29.4, 29), (30, 30), (31, 30), (-5, 1)],
)
def test_a_failure_says_why_and_when_to_retry(seconds: float, expected: int) -> None:
    failure = KeysUnavailable("the issuer is down", seconds)

    assert (str(failure), failure.retry_after_seconds) == ("the issuer is down", expected)
    assert KeysUnavailable("the issuer is down").retry_after_seconds == 1


# A fetch that hangs


def test_a_refresh_that_hangs_is_abandoned_and_restarted(clock: Clock, gate: threading.Event) -> None:
    started = []

    def fetch() -> FetchedKeys:
        started.append(clock())
        if len(started) > 1:
            gate.wait(30)
        return make_fetched_keys("first")

    keys = IssuerKeys(fetch, clock)
    find(keys, "first")

    outcomes = set()
    # After four seconds the first refresh is abandoned, and another one starts a second later.
    for seconds in (601, 4, 0.75, 0.5, 0.5, 4, 0.25, 1.5, 0.5):
        clock.forward(seconds)
        outcomes.add(find(keys, "first"))

    assert outcomes == {"found"}
    assert started == [1000, 1601, 1606.75, 1613]


def test_an_abandoned_fetch_changes_nothing_when_it_ends(clock: Clock, gate: threading.Event) -> None:
    started, late = [], threading.Event()

    def fetch() -> FetchedKeys:
        started.append(clock())
        if len(started) == 2:
            late.wait(10)
            return make_fetched_keys("second")
        if len(started) == 3:
            gate.wait(10)
        return make_fetched_keys("first")

    keys = IssuerKeys(fetch, clock)
    find(keys, "first")
    clock.forward(601)
    find(keys, "first")
    [given_up] = running_fetches()
    for seconds in (5, 1):
        clock.forward(seconds)
        find(keys, "first")

    late.set()
    given_up.join(10)

    assert find(keys, "first") == "found"
    assert started == [1000, 1601, 1607]


def test_callers_do_not_wait_forever_for_a_fetch_that_hangs(gate: threading.Event) -> None:
    def fetch() -> FetchedKeys:
        gate.wait(30)
        raise KeysUnavailable("nobody waits for this")

    assert find(IssuerKeys(fetch), "first") == "unavailable"
    assert len(running_fetches()) == 1


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(RuntimeError("a bug"), id="bug"),
        pytest.param(MemoryError(), id="no-memory"),
        pytest.param(RecursionError(), id="too-deep"),
    ],
)
def test_any_error_of_a_fetch_makes_the_keys_unavailable(error: Exception) -> None:
    def fetch() -> FetchedKeys:
        raise error

    assert find(IssuerKeys(fetch), "first") == "unavailable"


class WatchedClock(Clock):
    """A clock that records which threads read it."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: queue.SimpleQueue[str] = queue.SimpleQueue()

    def __call__(self) -> float:
        now = super().__call__()
        self.readers.put(threading.current_thread().name)
        return now

    def wait_for_reader(self, name: str) -> None:
        while not self.readers.get(timeout=10).startswith(name):
            pass


def test_a_fetch_that_starts_after_a_wait_is_not_abandoned_early(gate: threading.Event) -> None:
    clock, refreshed = WatchedClock(), threading.Event()
    started: queue.SimpleQueue[str] = queue.SimpleQueue()
    fetches = iter([("first", None), ("first", refreshed), ("second", gate)])

    def fetch() -> FetchedKeys:
        key_id, may_end = next(fetches)
        started.put(key_id)
        if may_end is not None:
            may_end.wait(10)
        return make_fetched_keys(key_id)

    keys = IssuerKeys(fetch, clock)
    find(keys, "first")
    clock.forward(601)
    find(keys, "first")

    with ThreadPoolExecutor(1, "early") as early, ThreadPoolExecutor(1, "late") as late:
        waiting = [early.submit(find, keys, "second")]
        clock.wait_for_reader("early")
        clock.forward(4)
        refreshed.set()
        assert [started.get(timeout=10) for _ in range(3)] == ["first", "first", "second"]
        clock.forward(1)
        waiting.append(late.submit(find, keys, "second"))
        clock.wait_for_reader("late")
        gate.set()

    assert collect(waiting) == {"found"}


def test_keys_are_unavailable_for_a_second_if_no_thread_can_start(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    keys = IssuerKeys(lambda: make_fetched_keys("first"), clock)
    with monkeypatch.context() as system:
        system.setattr(threading.Thread, "start", refuse)
        outcome = find(keys, "first")
    clock.forward(1)

    assert (outcome, find(keys, "first")) == ("unavailable", "found")


# A server that forks

FORK = """
import os, signal, sys, threading, time
from functools import partial
from timesheets.trust import issuers
from timesheets.trust.jwk_sets import UsableKey, read_usable_keys
from timesheets.trust.jwks import IssuerKeys

reached, parent = threading.Event(), os.getpid()

def clock():
    # A finished fetch reads the clock while it holds the lock.
    if {holds_lock} and os.getpid() == parent and threading.current_thread().name == "issuer-keys":
        reached.set()
        time.sleep(60)
    return time.monotonic()

def fetch():
    if not {holds_lock} and os.getpid() == parent:
        reached.set()
        time.sleep(60)
    return issuers.fetch_keys(issuers.Issuer(url="{url}", jwks_url="{jwks_url}"), ("RS256",))

keys = IssuerKeys(fetch, clock)
threading.Thread(target=keys.find_key, args=["first", "RS256"], daemon=True).start()
assert reached.wait(10)
child = os.fork()
if child == 0:
    signal.alarm(10)
    keys.find_key("first", "RS256")
    os._exit(0)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize(
    "holds_lock", [pytest.param(True, id="lock-held"), pytest.param(False, id="fetch-under-way")]
)
def test_a_forked_process_finds_keys(issuer: Issuer, holds_lock: bool) -> None:
    script = FORK.format(holds_lock=holds_lock, url=issuer.url, jwks_url=issuer.jwks_url)

    ended = run_python("-c", script)

    assert ended.returncode == 0, ended.stderr
