"""Count who holds one of a few places, and who waits for one: also in the pool. Knows no HTTP."""

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from django.db import close_old_connections, connection

from timesheets.trust.principals import MachineClient

# Whether there is a place for a caller that holds so many, while all hold so many.
HasPlace = Callable[[int, int], bool]


class NoPlace(Exception):
    """All places that the caller may have are taken."""


class Places:
    """Places that callers hold while a block runs. Without `waiting`, no caller waits for one."""

    def __init__(self, has_place: HasPlace, waiting: "Places | None" = None, wait_seconds: float = 0) -> None:
        self._has_place, self._waiting, self._wait_seconds = has_place, waiting, wait_seconds
        self._changed = threading.Condition()
        self._held: dict[Hashable, int] = {}
        self._total = 0

    def count(self) -> int:
        """The number of places that all callers hold."""
        return self._total

    @contextmanager
    def take(self, caller: Hashable) -> Iterator[None]:
        """Hold a place while the block runs. Raises NoPlace."""
        self.acquire(caller)
        try:
            yield
        finally:
            self.release(caller)

    def acquire(self, caller: Hashable) -> None:
        """Hold a place until `release`. Raises NoPlace."""
        with self._changed:
            if self._occupy(caller):
                return
        if self._waiting is None:
            raise NoPlace
        with self._waiting.take(caller), self._changed:
            if not self._changed.wait_for(lambda: self._occupy(caller), self._wait_seconds):
                raise NoPlace

    def release(self, caller: Hashable) -> None:
        with self._changed:
            self._total -= 1
            # Of a caller without a place, nothing stays in memory.
            if left := self._held.pop(caller) - 1:
                self._held[caller] = left
            self._changed.notify_all()

    def _occupy(self, caller: Hashable) -> bool:
        held = self._held.get(caller, 0)
        if not self._has_place(held, self._total):
            return False
        self._held[caller] = held + 1
        self._total += 1
        return True


# An upload that waits for a lock holds a connection for up to ten seconds. So the uploads of a client have a
# quarter of the pool, and only a few more of them wait for it, because each holds a thread.
_uploads = Places(
    lambda own, _: own < connection.pool.max_size // 4,  # type: ignore[attr-defined]
    waiting=Places(lambda own, _: own < 8),
    wait_seconds=2,
)


@contextmanager
def share_pool(client: MachineClient) -> Iterator[None]:
    """Run the block that stores an upload. Raises NoPlace, before it takes a connection."""
    if getattr(connection, "pool", None) is None or connection.in_atomic_block:
        yield
        return
    # A browser's session was read with one.
    close_old_connections()
    with _uploads.take(client.caller):
        try:
            yield
        finally:
            # A response may be slow to send.
            close_old_connections()
