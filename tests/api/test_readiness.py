"""Many callers may ask whether a process is ready; they cause few checks and occupy no threads."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from timesheets.readiness import INTERVAL_SECONDS, MAX_WAIT_SECONDS, Finding, Readiness

ALL = ["database", "issuer", "migrations"]


class Checks:
    """Checks that a test controls, and a clock that it moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.count = 0
        self.reasons: dict[str, str] = {}
        # The check of the database begins, and goes on.
        self.begun, self.gate = threading.Event(), threading.Event()
        self.gate.set()
        self.readiness = Readiness(self.run, lambda: self.now)

    def run(self) -> Iterator[Finding]:
        self.count += 1
        yield "issuer", self.reasons.get("issuer")
        self.begun.set()
        self.gate.wait(30)
        yield "database", self.reasons.get("database")
        yield "migrations", self.reasons.get("migrations")

    def hang(self, prober: ThreadPoolExecutor) -> Future[list[str]]:
        """A probe whose check of the database has begun, and hangs."""
        self.begun.clear()
        self.gate.clear()
        waiting = prober.submit(self.readiness.find_failing_checks)
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


def test_the_failing_checks_are_named(checks: Checks) -> None:
    checks.reasons = {"migrations": "there are some", "database": "it is full"}

    assert checks.readiness.find_failing_checks() == ["database", "migrations"]


def test_the_reason_is_one_line_of_the_log(checks: Checks, caplog: pytest.LogCaptureFixture) -> None:
    checks.reasons = {"database": "connection refused\n\tIs the server running?"}

    checks.readiness.find_failing_checks()

    assert caplog.messages == ["Not ready: database: connection refused Is the server running?"]


def test_many_probes_share_one_check_per_second(checks: Checks) -> None:
    for _ in range(100):
        assert checks.readiness.find_failing_checks() == []
    checks.now += INTERVAL_SECONDS
    checks.readiness.find_failing_checks()

    assert checks.count == 2


def test_a_probe_during_a_check_gets_the_last_result(checks: Checks, prober: ThreadPoolExecutor) -> None:
    checks.readiness.find_failing_checks()
    checks.now += INTERVAL_SECONDS
    waiting = checks.hang(prober)

    assert checks.readiness.find_failing_checks() == []
    assert not waiting.done()


def test_a_probe_during_the_first_check_is_not_ready(checks: Checks, prober: ThreadPoolExecutor) -> None:
    checks.hang(prober)

    assert checks.readiness.find_failing_checks() == ALL


def test_a_check_that_hangs_counts_as_failing_and_is_not_started_again(
    checks: Checks, prober: ThreadPoolExecutor
) -> None:
    checks.readiness.find_failing_checks()
    checks.now += INTERVAL_SECONDS
    checks.hang(prober)

    checks.now += MAX_WAIT_SECONDS + 1

    assert checks.readiness.find_failing_checks() == ["database", "migrations"]
    assert checks.count == 2


def test_a_process_is_ready_again_when_the_check_ends(checks: Checks, prober: ThreadPoolExecutor) -> None:
    waiting = checks.hang(prober)

    checks.gate.set()

    assert waiting.result(10) == []
    assert checks.readiness.find_failing_checks() == []


def test_a_bug_in_a_check_leaves_the_process_unready(caplog: pytest.LogCaptureFixture) -> None:
    def check() -> Iterator[Finding]:
        yield "database", None
        raise LookupError("a bug")

    assert Readiness(check).find_failing_checks() == ["issuer", "migrations"]
    assert "LookupError: a bug" in caplog.text
