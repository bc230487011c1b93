import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.client.api import Api
from tests.client.conftest import Site
from tests.client.runs import Run, write_csv
from timesheets_client import signals as signals_module
from timesheets_client.errors import ExitStatus, TemporaryFailure, Terminated
from timesheets_client.signals import Signals

interrupt, terminate = (partial(signal.raise_signal, each) for each in (signal.SIGINT, signal.SIGTERM))


def test_a_signal_is_raised_at_once_if_nothing_is_in_flight() -> None:
    with pytest.raises(KeyboardInterrupt), Signals():
        interrupt()


def defer(signals: Signals, *steps: Callable[[], object]) -> None:
    """Take these steps while something is in flight."""
    with signals, signals.deferred():
        for step in steps:
            step()


def test_a_deferred_signal_is_raised_at_the_end() -> None:
    steps: list[str] = []

    with pytest.raises(Terminated):
        defer(Signals(), terminate, lambda: steps.append("went on"))

    assert steps == ["went on"]


def test_the_second_signal_does_not_wait() -> None:
    with pytest.raises(KeyboardInterrupt):
        defer(Signals(), terminate, interrupt, lambda: pytest.fail("went on"))


def test_a_signal_ends_a_pause_between_two_attempts() -> None:
    signals = Signals(sleep=lambda _: terminate())

    with pytest.raises(Terminated):
        defer(signals, lambda: signals.sleep(30), lambda: pytest.fail("slept on"))


def test_a_signal_before_a_pause_ends_it_too() -> None:
    signals = Signals(sleep=lambda _: pytest.fail("slept"))

    with pytest.raises(Terminated):
        defer(signals, terminate, lambda: signals.sleep(30))


def test_a_deferred_signal_is_raised_even_if_the_batch_fails() -> None:
    def fail() -> None:
        raise TemporaryFailure("busy")

    with pytest.raises(Terminated):
        defer(Signals(), terminate, fail)


def test_the_previous_handlers_are_restored() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with Signals():
        assert signal.getsignal(signal.SIGTERM) != before

    assert signal.getsignal(signal.SIGTERM) == before


class Finalized:
    """Receives a signal in a finalizer, where Python drops exceptions."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    def __del__(self) -> None:
        self._signals.receive(signal.SIGTERM, None)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("checkpoint", ["deferred", "sleep", "the end of the run"])
def test_a_signal_that_python_drops_is_raised_again(site: Site, checkpoint: str) -> None:
    run = Run()
    actions: dict[str, Callable[[], object]] = {
        "deferred": lambda: run.signals.deferred().__enter__(),
        "sleep": lambda: run.signals.sleep(1),
        "the end of the run": lambda: None,
    }

    def drop_a_signal() -> str:
        Finalized(run.signals)
        actions[checkpoint]()
        return "key-1"

    run.make_key = drop_a_signal

    assert run.start(site.variables) == ExitStatus.TERMINATED


def test_after_a_signal_during_a_failing_batch_the_next_file_is_not_sent(api: Api, tmp_path: Path) -> None:
    run = Run()
    first = write_csv(tmp_path / "a.csv", "2026-01-01,26")
    second = write_csv(tmp_path / "b.csv", "2026-01-01,1")
    api.max_entries = 0
    api.troubles.append(lambda: run.signals.receive(signal.SIGTERM, None))

    assert run.start(api.variables, first, second, is_strict=True) == ExitStatus.TERMINATED
    assert len(api.requests) == 1


def take_every_step(signals: Signals) -> None:
    with signals:
        with signals.deferred():
            signals.sleep(1)
        try:
            with signals.deferred():
                raise TemporaryFailure("busy")
        except TemporaryFailure:
            pass
        signals.raise_pending()


def interrupt_before_bytecode(number: int) -> bool:
    """Take every step, with SIGTERM before one bytecode of signals.py. False if there are fewer bytecodes."""
    seen = 0

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal seen
        frame.f_trace_opcodes = frame.f_code.co_filename == signals_module.__file__
        if event == "opcode":
            seen += 1
            if seen == number:
                signal.raise_signal(signal.SIGTERM)
        return trace

    signals = Signals(sleep=lambda _: None)
    # A measurement of coverage traces too, and must go on afterwards.
    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        take_every_step(signals)
    finally:
        sys.settrace(previous)
    return seen >= number


def test_a_signal_before_any_bytecode_is_raised() -> None:
    # Signals before the handler is set or after it is removed go to the previous handler.
    def raise_terminated(*_: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, raise_terminated)
    try:
        for number in range(1, 2_000):
            try:
                if not interrupt_before_bytecode(number):
                    break
            except Terminated:
                continue
            pytest.fail(f"swallowed before bytecode {number}")
    finally:
        signal.signal(signal.SIGTERM, before)

    assert number > 100
