"""Limit how many request bodies the API receives, and how many large ones it parses, at the same time."""

import threading
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from timesheets import metrics
from timesheets.exceptions import IncompleteBody, Overloaded, Throttled

# WSGI has no time limit for a body: a thread waits until the body is complete or the caller disconnects.
# `manage.py serve` starts 64 threads per worker, so 16 never wait for a body.
BODY_PLACES = 48

# Every thread may parse a body of this size, unzipped. Larger bodies share a few slots.
MAX_SMALL_BODY_BYTES = 256 * 1024
# Python runs one thread at a time, so more slots would cost memory and save no time.
LARGE_BODY_SLOTS = 4
SLOT_TIMEOUT_SECONDS = 5.0

_lock = threading.Lock()
_bodies_by_caller: Counter[Hashable] = Counter()
_slots = threading.BoundedSemaphore(LARGE_BODY_SLOTS)


@contextmanager
def limit_bodies_of(caller: Hashable) -> Iterator[None]:
    """Run the block that receives a body.

    Raises Overloaded if all places are taken, Throttled if the caller has as many places as are free, and
    IncompleteBody if the connection is lost.
    """
    with _lock:
        free = BODY_PLACES - _bodies_by_caller.total()
        if not free:
            raise Overloaded
        # However many places others hold, a caller without one gets one as long as there are any.
        if _bodies_by_caller[caller] >= free:
            raise Throttled
        _bodies_by_caller[caller] += 1
    try:
        yield
    except OSError:
        raise IncompleteBody from None
    finally:
        with _lock:
            _bodies_by_caller[caller] -= 1
            if not _bodies_by_caller[caller]:
                # Otherwise the names of all callers stay in memory.
                del _bodies_by_caller[caller]


@contextmanager
def limit_large_bodies() -> Iterator[None]:
    """Run the block that parses a large body. Raises Overloaded if no slot becomes free in time."""
    with metrics.track_wait():
        has_slot = _slots.acquire(timeout=SLOT_TIMEOUT_SECONDS)
    if not has_slot:
        raise Overloaded
    try:
        yield
    finally:
        _slots.release()
