import signal

import pytest

from timesheets.uploader.errors import Terminated
from timesheets.uploader.signals import Signals


def test_a_signal_is_raised_where_nothing_is_in_flight() -> None:
    with pytest.raises(KeyboardInterrupt), Signals():
        signal.raise_signal(signal.SIGINT)


def test_a_signal_waits_for_the_end_of_what_is_deferred() -> None:
    steps = []

    def take_steps(signals: Signals) -> None:
        with signals, signals.deferred():
            signal.raise_signal(signal.SIGTERM)
            steps.append("went on")

    with pytest.raises(Terminated):
        take_steps(Signals())
    assert steps == ["went on"]


def interrupt_twice(signals: Signals) -> None:
    with signals, signals.deferred():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("went on")


def test_the_second_signal_does_not_wait() -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupt_twice(Signals())


def pause(signals: Signals) -> None:
    with signals, signals.deferred():
        signals.sleep(30)
        pytest.fail("slept on")


def test_a_signal_ends_a_pause_between_two_tries() -> None:
    with pytest.raises(Terminated):
        pause(Signals(sleep=lambda _: signal.raise_signal(signal.SIGTERM)))


def test_a_signal_that_came_before_the_pause_ends_it_too() -> None:
    def interrupt_and_pause(signals: Signals) -> None:
        with signals, signals.deferred():
            signal.raise_signal(signal.SIGTERM)
            signals.sleep(30)

    with pytest.raises(Terminated):
        interrupt_and_pause(Signals(sleep=lambda _: pytest.fail("slept")))


def test_the_handlers_before_are_back_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with Signals():
        assert signal.getsignal(signal.SIGTERM) != before

    assert signal.getsignal(signal.SIGTERM) == before
