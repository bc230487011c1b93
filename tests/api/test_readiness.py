"""Many callers may ask whether a process is ready; they cause few checks and occupy no threads."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from timesheets.readiness import CHECKS, INTERVAL_SECONDS, MAX_ROUND_SECONDS, Readiness


class Checks:
    """Checks that a test controls, and a clock that it moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.count = 0
        self.failures: dict[str, str] = {}
        # A round begins, and goes on.
        self.begun, self.gate = threading.Event(), threading.Event()
        self.gate.set()
        readiness = Readiness(self.run, lambda: self.now)
        self.probe = readiness.find_failing_checks

    def run(self) -> dict[str, str]:
        self.count += 1
        self.begun.set()
        assert self.gate.wait(30)
        return self.failures

    def hang(self, prober: ThreadPoolExecutor) -> Future[list[str]]:
        """A probe whose round has begun, and hangs."""
        self.now += INTERVAL_SECONDS
        self.begun.clear()
        self.gate.clear()
        waiting = prober.submit(self.probe)
        assert self.begun.wait(10)
        return waiting


@pytest.fixture
def checks() -> Checks:
    return Checks()


@pytest.fixture
def prober(checks: Checks) -> Iterator[ThreadPoolExecutor]:
    """A thread for the probe that waits. Whatever hangs goes on at the end."""
    with ThreadPoolExecutor(1) as prober:
        yield prober
        checks.gate.set()


def test_each_failing_check_is_named_and_has_a_line_of_the_log(
    checks: Checks, caplog: pytest.LogCaptureFixture
) -> None:
    checks.failures = {"migrations": "there are some", "database": "refused\n\tIs the server running?"}

    assert checks.probe() == ["database", "migrations"]
    assert caplog.messages == [
        "Not ready: migrations: there are some",
        "Not ready: database: refused Is the server running?",
    ]


def test_many_probes_share_one_round_per_second(checks: Checks) -> None:
    for _ in range(100):
        assert checks.probe() == []
    checks.now += INTERVAL_SECONDS
    checks.probe()

    assert checks.count == 2


def test_a_probe_during_the_first_round_is_not_ready(checks: Checks, prober: ThreadPoolExecutor) -> None:
    checks.hang(prober)

    assert checks.probe() == CHECKS


def test_a_round_that_hangs_occupies_one_caller_and_has_failed_after_a_while(
    checks: Checks, prober: ThreadPoolExecutor
) -> None:
    checks.probe()
    waiting = checks.hang(prober)

    at_first = checks.probe()
    checks.now += MAX_ROUND_SECONDS + 1
    later = checks.probe()
    checks.gate.set()

    assert (at_first, later) == ([], CHECKS)
    assert waiting.result(10) == checks.probe() == []
    assert checks.count == 3
