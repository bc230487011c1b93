"""Let callers that arrive at the same time share one commit. Knows threads; knows no database.

While one commit is in progress, new items gather in a group, and the next commit stores the whole group. So
the cost of a commit is divided among all callers that would otherwise have waited for each other. Nobody
waits for the sake of a larger group: there is no timer.
"""

import copy
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class WaitedTooLong(Exception):
    """The lock did not become free in time."""


class FairLock:
    """A lock that threads get in the order in which they ask for it.

    With `threading.Lock`, the thread that releases it may take it again at once, while others wait for long.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        # The first one holds the lock.
        self._turns: deque[object] = deque()

    def count_waiting(self) -> int:
        """The number of threads that wait for the lock now."""
        return max(0, len(self._turns) - 1)

    def acquire(self, timeout_seconds: float) -> None:
        """Wait for all threads that asked before. Raises WaitedTooLong."""
        turn = object()
        with self._changed:
            self._turns.append(turn)
            if not self._changed.wait_for(lambda: self._turns[0] is turn, timeout_seconds):
                self._turns.remove(turn)
                raise WaitedTooLong

    def release(self) -> None:
        """Hand the lock to the thread that has waited longest."""
        with self._changed:
            self._turns.popleft()
            # Threads wait in the order of their turns.
            self._changed.notify()


class Interrupted(Exception):
    """The thread that was storing the group was interrupted."""


@dataclass(kw_only=True)
class _Group(Generic[Item, Result]):
    items: list[Item] = field(default_factory=list)
    results: Sequence[Result] = ()
    failure: Exception | None = field(default_factory=Interrupted)
    # One held lock for each caller that waits.
    waiting: deque[threading.Lock] = field(default_factory=deque)

    def wake_next(self) -> None:
        """Let the next caller continue. All at once would only wait for Python's own lock."""
        if self.waiting:
            self.waiting.popleft().release()


class GroupCommit(Generic[Item, Result]):
    """Stores items in groups. The first caller of a group stores it, when its turn has come.

    `turn` is a context manager that waits for the commit before. `store` returns a result for each item.
    """

    def __init__(
        self,
        turn: Callable[[], AbstractContextManager[object]],
        store: Callable[[Sequence[Item]], Sequence[Result]],
    ) -> None:
        self._turn, self._store = turn, store
        self._mutex = threading.Lock()
        self._gathering: _Group[Item, Result] | None = None

    def count_waiting(self) -> int:
        """The number of items that wait for the next commit now."""
        return len(group.items) if (group := self._gathering) else 0

    def submit(self, item: Item) -> Result:
        """Store the item and return its result. Raises what `turn` or `store` raises for the group."""
        with self._mutex:
            group = self._gathering
            if leads := group is None:
                group = self._gathering = _Group()
            position = len(group.items)
            group.items.append(item)
            if not leads:
                done = threading.Lock()
                done.acquire()
                group.waiting.append(done)
        if leads:
            self._lead(group)
        else:
            done.acquire()
            group.wake_next()
        if group.failure is not None:
            # Each caller gets its own error: a traceback grows with every thread that raises it.
            raise copy.copy(group.failure) from group.failure.__cause__
        return group.results[position]

    def _lead(self, group: _Group[Item, Result]) -> None:
        try:
            with self._turn():
                self._close(group)
                group.results = self._store(group.items)
            group.failure = None
        except Exception as failure:  # noqa: BLE001  Every caller of the group gets it.
            group.failure = failure
        finally:
            # If the turn did not come, the group is still open.
            self._close(group)
            group.wake_next()

    def _close(self, group: _Group[Item, Result]) -> None:
        """From now on, items gather in another group."""
        with self._mutex:
            if self._gathering is group:
                self._gathering = None
