"""Limit how many request bodies of one caller are on their way at the same time."""

import threading
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from timesheets.exceptions import Throttled

# WSGI has no time limit for a body: a thread waits until it is complete or the caller disconnects. So no
# caller may hold more than half of a worker's threads, of which `manage.py serve` starts 64.
MAX_ARRIVALS = 32


class Arrivals:
    """Counts each caller's bodies that are on their way, and admits a limited number of them at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counts: Counter[Hashable] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def admit(self, caller: Hashable) -> Iterator[None]:
        """Run the block if the caller is below the limit. Raises Throttled otherwise."""
        with self._lock:
            if self._counts[caller] >= self._limit:
                raise Throttled
            self._counts[caller] += 1
        try:
            yield
        finally:
            with self._lock:
                self._counts[caller] -= 1
                # Without this the names of all callers would stay in memory.
                self._counts += Counter()


arrivals = Arrivals(MAX_ARRIVALS)
