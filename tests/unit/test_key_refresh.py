"""Why and until when callers are refused without keys, and what a caller finds that waited for the lock."""

import itertools
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.kit.processes import run_python
from tests.unit.key_fetches import (
    Clock,
    Fetch,
    Fetches,
    bring,
    explain,
    fail,
    find,
    finish_fetches,
    once_open,
    succeed,
)
from timesheets.trust.jwks import FetchedKeys, IssuerKeys

LOGGER = "timesheets.trust.jwks"


# What a refused caller gets


def test_without_keys_a_caller_is_told_the_rest_of_the_back_off(clock: Clock) -> None:
    fetches = Fetches(clock, fail)
    keys = IssuerKeys(fetches, clock)
    told = [explain(keys)]

    for seconds in (1, 2, 4, 1, 3, 3):
        clock.forward(seconds)
        told.append(explain(keys))

    down, lately = "the issuer is down", "the last request to the issuer failed"
    assert told == [(down, 1), (down, 2), (down, 4), (down, 8), (lately, 7), (lately, 4), (lately, 1)]
    assert len(fetches.begun) == 4


def test_for_an_unknown_key_a_caller_is_told_the_rest_of_the_cool_down(clock: Clock) -> None:
    fetches = Fetches(clock, succeed, fail, succeed)
    keys = IssuerKeys(fetches, clock)
    find(keys)
    told = [explain(keys, "second")]

    for seconds in (0, 10, 15, 4.9):
        clock.forward(seconds)
        told.append(explain(keys, "second"))
    clock.forward(0.1)

    assert told == [("the issuer is down", seconds) for seconds in (1, 30, 20, 5, 1)]
    assert find(keys, "second") == "unknown"
    assert len(fetches.begun) == 3


def test_a_success_brings_the_back_off_down_to_a_second(clock: Clock) -> None:
    fetches = Fetches(clock, fail, fail, succeed, fail)
    keys = IssuerKeys(fetches, clock)
    outcomes, counts = [], []

    for seconds in (0, 1, 2, 601, 0.75, 0.25):
        clock.forward(seconds)
        outcomes.append(find(keys))
        finish_fetches()
        counts.append(len(fetches.begun))

    assert outcomes == ["unavailable", "unavailable", "found", "found", "found", "found"]
    assert counts == [1, 2, 3, 4, 4, 5]


def test_a_failure_and_its_reason_are_logged_once(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    keys = IssuerKeys(Fetches(clock, fail), clock)

    assert (find(keys), find(keys)) == ("unavailable", "unavailable")

    expected = (LOGGER, logging.WARNING, "Cannot fetch the issuer's keys: the issuer is down")
    assert caplog.record_tuples == [expected]


@pytest.mark.parametrize("error", [LookupError("a bug"), MemoryError(), RecursionError()], ids=type)
def test_any_error_of_a_fetch_makes_the_keys_unavailable_and_is_logged_with_its_traceback(
    clock: Clock, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def stumble() -> FetchedKeys:
        raise error

    assert explain(IssuerKeys(stumble, clock)) == ("fetching the issuer's keys failed", 1)
    assert caplog.record_tuples == [
        (LOGGER, logging.ERROR, "Fetching the issuer's keys failed"),
        (LOGGER, logging.WARNING, "Cannot fetch the issuer's keys: fetching the issuer's keys failed"),
    ]
    assert "Traceback" in caplog.text
    assert type(error).__name__ in caplog.text


def test_a_fetch_that_hangs_is_given_up_after_four_seconds_and_counts_as_failed(
    clock: Clock, gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    fetches = Fetches(clock, once_open(gate, succeed))
    keys = IssuerKeys(fetches)
    began = time.monotonic()

    told = [explain(keys), explain(keys)]

    assert told == [("the issuer does not answer", 1), ("the last request to the issuer failed", 1)]
    assert 4 <= time.monotonic() - began < 30
    assert len(fetches.begun) == 1
    assert caplog.messages == ["Cannot fetch the issuer's keys: the issuer does not answer"]


def test_a_caller_who_waits_for_a_refresh_is_told_that_it_failed(clock: Clock, gate: threading.Event) -> None:
    fetches = Fetches(clock, succeed, once_open(gate, fail), succeed)
    keys = IssuerKeys(fetches, clock)
    find(keys)
    clock.forward(601)
    find(keys)

    with ThreadPoolExecutor(1) as callers:
        asking = callers.submit(explain, keys, "second")
        time.sleep(0.1)
        gate.set()

        assert asking.result(10) == ("the issuer is down", 1)
    assert len(fetches.begun) == 2


def test_keys_keep_from_the_time_when_their_fetch_began(clock: Clock) -> None:
    def succeed_slowly() -> FetchedKeys:
        clock.forward(3)
        return succeed()

    fetches = Fetches(clock, succeed_slowly)
    keys = IssuerKeys(fetches, clock)
    find(keys)

    clock.forward(597)
    find(keys)
    finish_fetches()

    assert len(fetches.begun) == 2


# A caller who waited for the lock


class SettlingClock(Clock):
    """A fetch that has ended holds the lock when it reads the clock, and waits there for the gate."""

    def __init__(self, number: int, gate: threading.Event) -> None:
        super().__init__()
        self._numbers = itertools.count(1)
        self._number, self._gate = number, gate
        self.is_settling = threading.Event()

    def __call__(self) -> float:
        if threading.current_thread().name == "issuer-keys" and next(self._numbers) == self._number:
            self.is_settling.set()
            self._gate.wait(30)
        return super().__call__()


@pytest.mark.parametrize(
    ("results", "asked"),
    [
        pytest.param([succeed], "first", id="first-keys"),
        pytest.param([succeed, succeed], "first", id="refresh"),
        pytest.param([succeed, partial(bring, "second")], "second", id="rotation"),
        pytest.param([succeed, fail], "first", id="failed-refresh"),
    ],
)
def test_a_caller_who_comes_while_a_fetch_is_settled_begins_no_other(
    gate: threading.Event, results: list[Fetch], asked: str
) -> None:
    clock = SettlingClock(len(results), gate)
    fetches = Fetches(clock, *results, succeed)
    keys = IssuerKeys(fetches, clock)

    with ThreadPoolExecutor(2) as callers:
        for _ in results[1:]:
            find(keys)
            clock.forward(601)
        callers.submit(find, keys)
        assert clock.is_settling.wait(10)
        asking = callers.submit(find, keys, asked)
        # Until the second caller waits for the lock.
        time.sleep(0.2)
        gate.set()

        assert asking.result(10) == "found"
    finish_fetches()
    assert len(fetches.begun) == len(results)


@pytest.mark.parametrize("failed_refreshes", [0, 1])
def test_a_known_key_needs_no_lock(gate: threading.Event, failed_refreshes: int) -> None:
    clock = SettlingClock(2 + failed_refreshes, gate)
    keys = IssuerKeys(Fetches(clock, succeed, fail), clock)
    find(keys)
    for _ in range(failed_refreshes):
        clock.forward(601)
        find(keys)
        finish_fetches()

    with ThreadPoolExecutor(2) as callers:
        callers.submit(find, keys, "forged")
        try:
            assert clock.is_settling.wait(10)
            assert callers.submit(find, keys).result(5) == "found"
        finally:
            gate.set()


# The end of a process


HANGING_FETCH = """
import time
from timesheets.trust.jwks import IssuerKeys, KeysUnavailable

try:
    IssuerKeys(lambda: time.sleep(600)).find_key("first", "RS256")
except KeysUnavailable:
    print("ends")
"""


def test_a_process_ends_while_a_fetch_hangs() -> None:
    began = time.monotonic()

    ended = run_python("-c", HANGING_FETCH)

    assert (ended.returncode, ended.stdout) == (0, "ends\n"), ended.stderr
    assert time.monotonic() - began < 30
