"""Let SIGINT and SIGTERM end a run, but not between a batch and its answer."""

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Self

from timesheets.uploader.errors import Terminated

ENDS: Mapping[int, type[BaseException]] = {
    signal.SIGINT: KeyboardInterrupt,
    signal.SIGTERM: Terminated,
}


class Signals:
    """While this is entered, a signal raises KeyboardInterrupt or Terminated.

    Within `deferred` it is raised at the end only, and the second one at once.
    """

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._is_deferred = False
        self._pending: type[BaseException] | None = None
        self._previous: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in ENDS:
            self._previous[number] = signal.signal(number, self.receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def receive(self, number: int, _frame: FrameType | None) -> None:
        if self._is_deferred and self._pending is None:
            self._pending = ENDS[number]
        else:
            raise ENDS[number]

    @contextmanager
    def deferred(self) -> Iterator[None]:
        self._is_deferred = True
        try:
            yield
        finally:
            self._is_deferred = False
        self._raise_pending()

    def sleep(self, seconds: float) -> None:
        """Sleep until a signal comes: between two tries nothing is in flight."""
        was_deferred, self._is_deferred = self._is_deferred, False
        try:
            self._raise_pending()
            self._sleep(seconds)
        finally:
            self._is_deferred = was_deferred

    def _raise_pending(self) -> None:
        if self._pending:
            raise self._pending
