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

# A complete body leaves its place at once, so a caller with many connections finds one after a moment. Only a
# few may wait for it, because each holds a thread.
MAX_WAITING_CALLERS = 8
PLACE_TIMEOUT_SECONDS = 0.25

_changed = threading.Condition()
_waiting = threading.BoundedSemaphore(MAX_WAITING_CALLERS)
_bodies_by_caller: Counter[Hashable] = Counter()
_slots = threading.BoundedSemaphore(LARGE_BODY_SLOTS)


@contextmanager
def limit_bodies_of(caller: Hashable) -> Iterator[None]:
    """Run the block that receives a body.

    Raises Overloaded if all places are taken, Throttled if the caller has as many places as are free, and
    IncompleteBody if the connection is lost.
    """
    with _changed:
        if not _has_place(caller) and not _wait_for_place(caller):
            raise Throttled if _count_free_places() else Overloaded
        _bodies_by_caller[caller] += 1
    try:
        yield
    except OSError:
        raise IncompleteBody from None
    finally:
        with _changed:
            _bodies_by_caller[caller] -= 1
            if not _bodies_by_caller[caller]:
                # Otherwise the names of all callers stay in memory.
                del _bodies_by_caller[caller]
            _changed.notify_all()


def _count_free_places() -> int:
    return BODY_PLACES - _bodies_by_caller.total()


def _has_place(caller: Hashable) -> bool:
    """However many places others hold, a caller without one gets one as long as there are any."""
    return _bodies_by_caller[caller] < _count_free_places()


def _wait_for_place(caller: Hashable) -> bool:
    if not _waiting.acquire(blocking=False):
        return False
    try:
        return _changed.wait_for(lambda: _has_place(caller), PLACE_TIMEOUT_SECONDS)
    finally:
        _waiting.release()


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
