"""The cache of the issuer's keys: who waits for a fetch, who starts one, and how long keys stay in use."""

import itertools
import queue
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest

from tests.kit.issuer import Issuer
from tests.kit.responders import Responder, after, close, document, take_turns
from tests.kit.signing_keys import SigningKey
from tests.unit.key_fetches import (
    Cache,
    Clock,
    Fetches,
    bring,
    collect,
    explain,
    fail,
    find,
    finish_fetches,
    once_open,
    running_fetches,
    succeed,
)
from timesheets.trust.jwks import MAX_WAITING_CALLERS, FetchedKeys, IssuerKeys, KeysUnavailable

HOUR = 3600
DAY = 24 * HOUR
FIRST = SigningKey("first").to_jwk()
SECOND = SigningKey("second").to_jwk()


@pytest.fixture
def cold(issuer: Issuer, gate: threading.Event) -> Cache:
    """A cache that has fetched nothing yet."""
    return Cache(issuer, gate)


@pytest.fixture
def warm(cold: Cache) -> Cache:
    """A cache that knows the first key."""
    cold.find()
    return cold


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(50) as callers:
        yield callers


# A known key


@pytest.mark.parametrize(("key_id", "outcome"), [("first", "found"), ("forged", "unknown")])
def test_keys_are_fetched_once_on_first_use(issuer: Issuer, cold: Cache, key_id: str, outcome: str) -> None:
    assert (issuer.count(), cold.find(key_id), issuer.count()) == (0, outcome, 1)


@pytest.mark.parametrize(
    ("is_warm", "asked", "number", "outcome"),
    [
        pytest.param(False, "first", 50, "found", id="first-keys"),
        pytest.param(True, "second", MAX_WAITING_CALLERS, "found", id="rotated"),
        pytest.param(True, "forged-{}", MAX_WAITING_CALLERS, "unknown", id="forged"),
    ],
)
def test_callers_that_wait_for_a_key_share_one_fetch(
    cold: Cache, callers: ThreadPoolExecutor, is_warm: bool, asked: str, number: int, outcome: str
) -> None:
    if is_warm:
        cold.find()
    before = cold.issuer.count()
    cold.issuer.rotate()
    cold.hold()

    waiting = [callers.submit(cold.find, asked.format(caller)) for caller in range(number)]
    cold.issuer.wait_for_request(before + 1)
    cold.gate.set()

    assert collect(waiting) == {outcome}
    assert cold.issuer.count() == before + 1


def test_stale_keys_stay_in_use_during_their_one_refresh(warm: Cache, callers: ThreadPoolExecutor) -> None:
    warm.hold()
    warm.clock.forward(601)

    outcomes = collect([callers.submit(warm.find) for _ in range(200)])
    warm.issuer.wait_for_request(2)
    outcomes |= {warm.find() for _ in range(100)}
    warm.gate.set()
    finish_fetches()

    assert outcomes == {"found"}
    assert warm.issuer.count() == 2


def test_a_refresh_adds_new_keys_and_removes_withdrawn_ones(warm: Cache) -> None:
    warm.issuer.rotate()
    warm.issuer.withdraw("first")
    warm.refresh()

    assert (warm.find("second"), warm.issuer.count()) == ("found", 2)
    assert warm.find("first") == "unknown"


@pytest.mark.parametrize(
    ("seconds", "cache_controls"),
    [
        (600, ["", "max-age=-1", "max-age=soon", "s-maxage=120", "no-store"]),
        (120, ["max-age=120", "Max-Age=120", 'max-age="120"']),
        (7200, ["public, max-age=7200, must-revalidate"]),
        (60, ["max-age=0", "max-age=59"]),
        (DAY, ["max-age=86400", "max-age=999999999999999999999"]),
    ],
)
def test_keys_are_cached_for_a_limited_max_age(
    issuer: Issuer, gate: threading.Event, seconds: float, cache_controls: list[str]
) -> None:
    for cache_control in cache_controls:
        issuer.headers = {"Cache-Control": cache_control}
        cold, before = Cache(issuer, gate), issuer.count()
        counts = []

        for pause in (0, seconds - 1, 1):
            cold.refresh(after=pause)
            counts.append(issuer.count() - before)

        assert counts == [1, 1, 2], cache_control


# An unknown key


def test_an_unknown_kid_causes_one_request_per_cool_down(warm: Cache) -> None:
    counts = []

    for seconds in (0, 1, 28.9, 0.1, 29.9, 0.1):
        assert warm.find("forged", after=seconds) == "unknown"
        counts.append(warm.issuer.count())

    assert counts == [2, 2, 2, 3, 3, 4]


def test_a_key_rotated_during_a_refresh_is_accepted(warm: Cache, callers: ThreadPoolExecutor) -> None:
    warm.hold()
    warm.find(after=601)
    warm.issuer.wait_for_request(2)
    warm.issuer.rotate()
    warm.issuer.behave()
    warm.clock.forward(1)

    waiting = [callers.submit(warm.find, "second") for _ in range(10)]
    warm.gate.set()

    assert collect(waiting) == {"found"}
    assert warm.issuer.count() == 3


def test_forged_tokens_do_not_delay_honest_callers(warm: Cache, callers: ThreadPoolExecutor) -> None:
    warm.hold()
    forged = [callers.submit(warm.find, f"forged-{number}") for number in range(1000)]
    warm.issuer.wait_for_request(2)

    honest = {warm.find() for _ in range(1000)}
    was_waiting_for = running_fetches()
    warm.gate.set()

    assert honest == {"found"}
    assert len(was_waiting_for) == 1
    assert collect(forged) <= {"unknown", "unavailable"}
    assert warm.issuer.count() == 2


def test_sixteen_callers_wait_for_an_unknown_key_and_the_others_fail_at_once(
    warm: Cache, callers: ThreadPoolExecutor
) -> None:
    for _ in range(2):
        gate = threading.Event()
        warm.answer(after(gate, close))
        asking = [callers.submit(explain, warm.keys, "second") for _ in range(200)]
        at_once = [future.result() for future in itertools.islice(as_completed(asking, 10), 184)]
        waiting = [future for future in asking if not future.done()]
        gate.set()

        assert set(at_once) == {("too many callers wait for an unknown key", 1)}
        assert len(waiting) == 16
        assert len(collect(waiting)) == 1
        warm.clock.forward(30)

    warm.issuer.publish(SECOND)
    assert collect([callers.submit(warm.find, "second") for _ in range(16)]) == {"found"}


def test_a_known_key_stays_in_use_while_a_fetch_for_another_fails(warm: Cache) -> None:
    warm.issuer.stop()

    assert (warm.find("second"), warm.find()) == ("unavailable", "found")


def test_a_token_without_a_kid_is_refused_if_there_are_two_keys(warm: Cache) -> None:
    alone = warm.find(None), warm.issuer.count()
    warm.issuer.rotate()
    warm.refresh()

    assert alone == ("found", 1)
    assert [warm.find(None), warm.find(None)] == ["unknown", "unknown"]
    assert warm.issuer.count() == 2


# An issuer that fails


def test_failed_fetches_back_off_from_one_second_to_thirty(cold: Cache) -> None:
    cold.answer(close)
    assert {cold.find("first"), cold.find("forged"), cold.find(None)} == {"unavailable"}

    for number, seconds in enumerate((1, 2, 4, 8, 16, 30, 30), 1):
        cold.find(after=seconds - 0.1)
        too_early = cold.issuer.count()
        cold.find(after=0.1)

        assert (too_early, cold.issuer.count()) == (number, number + 1)


def test_failed_refreshes_back_off_too(warm: Cache) -> None:
    warm.answer(close)
    counts = []

    for seconds in (601, 0.9, 0.1, 1.9, 0.1):
        warm.refresh(after=seconds)
        counts.append(warm.issuer.count())

    assert counts == [2, 2, 3, 3, 4]


def test_known_keys_stay_in_use_for_a_day_after_they_became_stale(warm: Cache) -> None:
    warm.issuer.stop()

    assert {warm.refresh(after=HOUR) for _ in range(24)} == {"found"}
    assert warm.refresh(after=600) == "found"
    assert warm.find(after=1) == "unavailable"


def test_keys_with_a_max_age_of_a_day_stay_in_use_while_the_issuer_is_down(cold: Cache) -> None:
    cold.issuer.headers = {"Cache-Control": "max-age=86400"}
    cold.find()
    cold.answer(after(cold.gate, close))

    assert cold.find(after=DAY - 1 + HOUR) == "found"
    assert len(running_fetches()) == 1


def test_keys_are_ready_until_a_day_after_they_became_stale(cold: Cache) -> None:
    cold.keys.get_snapshot()
    cold.issuer.stop()

    cold.clock.forward(DAY + 600)
    cold.keys.get_snapshot()
    finish_fetches()
    cold.clock.forward(1)

    with pytest.raises(KeysUnavailable):
        cold.keys.get_snapshot()
    assert cold.issuer.count() == 1


def test_an_issuer_that_comes_back_after_days_is_asked_again(warm: Cache) -> None:
    warm.issuer.stop()
    warm.find(after=3 * DAY)
    warm.issuer.start()

    assert warm.find(after=30) == "found"


@pytest.mark.parametrize(
    "answer",
    [
        document({"keys": []}),
        document({"keys": [SigningKey("first").to_jwk(use="enc")]}),
        document({"keys": [FIRST, SigningKey("first", pair="other").to_jwk()]}),
        document({"keys": [SECOND]}, 500),
    ],
    ids=["no-keys", "for-encryption", "same-kid", "error"],
)
def test_a_fetch_without_a_usable_key_changes_nothing(warm: Cache, answer: Responder) -> None:
    warm.answer(answer)
    warm.refresh()

    assert (warm.find(), warm.issuer.count()) == ("found", 2)


def test_a_key_that_all_servers_of_an_issuer_know_stays_in_use_while_they_disagree(warm: Cache) -> None:
    sets: list[list[object]] = [[FIRST, SECOND], [FIRST], []]
    warm.answer(take_turns(close, *(document({"keys": keys}) for keys in sets)))

    assert {warm.refresh() for _ in range(12)} == {"found"}
    assert warm.issuer.count() == 13


def test_callers_that_wake_after_the_next_success_get_the_failure(
    clock: Clock, gate: threading.Event
) -> None:
    keys = IssuerKeys(Fetches(clock, once_open(gate, fail), succeed), clock)
    seconds_to_wait = iter([30.0])

    def ask_twice() -> tuple[str, str]:
        first = find(keys)
        clock.forward(next(seconds_to_wait, 0))
        return first, find(keys)

    interval = sys.getswitchinterval()
    # Threads switch so often that they wake up in every order.
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(200) as callers:
            waiting = [callers.submit(ask_twice) for _ in range(200)]
            gate.set()
    finally:
        sys.setswitchinterval(interval)

    assert ("unavailable", "found") in collect(waiting)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, 1), (1.4, 1), (1.6, 2), (29.4, 29), (30, 30), (31, 30), (-5, 1)]
)
def test_a_failure_says_why_and_when_to_retry(seconds: float, expected: int) -> None:
    failure = KeysUnavailable("the issuer is down", seconds)

    assert (str(failure), failure.retry_after_seconds) == ("the issuer is down", expected)
    assert KeysUnavailable("the issuer is down").retry_after_seconds == 1


# A fetch that hangs


def test_a_refresh_that_hangs_is_abandoned_with_a_warning_and_restarted(
    clock: Clock, gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    fetches = Fetches(clock, succeed, once_open(gate, succeed))
    keys = IssuerKeys(fetches, clock)
    outcomes = {find(keys)}

    # After four seconds the first refresh is abandoned, and another one starts a second later.
    for seconds in (601, 4, 0.75, 0.5, 0.5, 4, 0.25, 1.5, 0.5):
        clock.forward(seconds)
        outcomes.add(find(keys))

    assert outcomes == {"found"}
    assert fetches.begun == [1000, 1601, 1606.75, 1613]
    assert caplog.messages == ["Cannot fetch the issuer's keys: the issuer does not answer"] * 2


def test_an_abandoned_fetch_changes_nothing_when_it_ends(clock: Clock, gate: threading.Event) -> None:
    late = threading.Event()
    fetches = Fetches(clock, succeed, once_open(late, lambda: bring("second")), once_open(gate, succeed))
    keys = IssuerKeys(fetches, clock)
    find(keys)
    clock.forward(601)
    find(keys)
    [given_up] = running_fetches()
    for seconds in (5, 1):
        clock.forward(seconds)
        find(keys)

    late.set()
    given_up.join(10)

    assert find(keys) == "found"
    assert fetches.begun == [1000, 1601, 1607]


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
        return bring(key_id)

    keys = IssuerKeys(fetch, clock)
    find(keys)
    clock.forward(601)
    find(keys)

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
