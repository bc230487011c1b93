"""Let SIGINT and SIGTERM, on Windows also SIGBREAK, end a run, but not between a batch and its response."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Self

from timesheets_client.errors import ExitStatus, Terminated

SIGNAL_ERRORS: dict[int, type[BaseException]] = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated}
if sys.platform == "win32":
    # Ctrl+Break. No other program can send SIGTERM there.
    SIGNAL_ERRORS[signal.SIGBREAK] = Terminated


class Signals:
    """Inside this context, a signal raises KeyboardInterrupt or Terminated.

    `deferred` delays the first signal until its end, but not the second. Python drops an exception that is
    raised in a finalizer. The signal is therefore stored, and the next `deferred`, `sleep` or `raise_pending`
    raises it again.
    """

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._is_deferred = False
        self._pending: type[BaseException] | None = None
        self._previous: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in SIGNAL_ERRORS:
            self._previous[number] = signal.signal(number, self.receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def receive(self, number: int, _frame: FrameType | None) -> None:
        is_first = self._pending is None
        self._pending = SIGNAL_ERRORS[number]
        if not (is_first and self._is_deferred):
            raise SIGNAL_ERRORS[number]

    @contextmanager
    def deferred(self) -> Iterator[None]:
        self.raise_pending()
        self._is_deferred = True
        try:
            yield
        finally:
            self._is_deferred = False
            # Even if the batch fails, because the next file must not start.
            self.raise_pending()

    def sleep(self, seconds: float) -> None:
        """Sleep, or raise as soon as a signal arrives: between two attempts nothing is in flight."""
        was_deferred, self._is_deferred = self._is_deferred, False
        try:
            self.raise_pending()
            self._sleep(seconds)
        finally:
            self._is_deferred = was_deferred

    def raise_pending(self) -> None:
        if self._pending:
            raise self._pending


def catch_signals(action: Callable[[], ExitStatus]) -> ExitStatus:
    """The exit status that `action` returns, or that of the signal that ended it."""
    try:
        return action()
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except Terminated:
        return ExitStatus.TERMINATED
