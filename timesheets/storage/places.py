"""Count who holds one of a few places, and who waits for one. Knows threads; knows no web framework."""

import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

# Whether there is a place for a caller that holds so many, while all hold so many.
HasPlace = Callable[[int, int], bool]


class NoPlace(Exception):
    """All places that the caller may have are taken."""


class Places:
    """Places that callers hold while a block runs. Without `waiting`, nobody waits for one."""

    def __init__(self, has_place: HasPlace, waiting: "Places | None" = None, wait_seconds: float = 0) -> None:
        self._has_place, self._waiting, self._wait_seconds = has_place, waiting, wait_seconds
        self._changed = threading.Condition()
        self._held: Counter[Hashable] = Counter()
        # Those that ask for a place, in the order in which they did.
        self._turns: list[tuple[Hashable, object]] = []

    def count(self) -> int:
        """How many all callers hold."""
        return self._held.total()

    @contextmanager
    def take(self, caller: Hashable) -> Iterator[None]:
        """Hold a place while the block runs. Raises NoPlace."""
        if not self._take(caller, 0):
            self._wait(caller)
        try:
            yield
        finally:
            with self._changed:
                self._held[caller] -= 1
                if not self._held[caller]:
                    # Otherwise the names of all callers stay in memory.
                    del self._held[caller]
                self._changed.notify_all()

    def _take(self, caller: Hashable, wait_seconds: float) -> bool:
        """Take a place, after the earlier calls for this caller that still wait."""
        turn = (caller, object())
        with self._changed:
            self._turns.append(turn)
            try:
                has_place = self._changed.wait_for(
                    lambda: self._is_first(turn) and self._has_place(self._held[caller], self._held.total()),
                    wait_seconds,
                )
                if has_place:
                    self._held[caller] += 1
                return has_place
            finally:
                self._turns.remove(turn)
                self._changed.notify_all()

    def _is_first(self, turn: tuple[Hashable, object]) -> bool:
        return next(each for each in self._turns if each[0] == turn[0]) is turn

    def _wait(self, caller: Hashable) -> None:
        if self._waiting is None:
            raise NoPlace
        with self._waiting.take(caller):
            if not self._take(caller, self._wait_seconds):
                raise NoPlace
