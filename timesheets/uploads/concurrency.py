"""Limit how many request bodies the API receives, and how many large ones it parses, at the same time."""

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from timesheets.exceptions import IncompleteBody, Overloaded, Throttled
from timesheets.storage.places import NoPlace, Places

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

# However many places others hold, a caller without one gets one as long as there are any.
bodies = Places(
    lambda own, held: own < BODY_PLACES - held,
    waiting=Places(lambda _, held: held < MAX_WAITING_CALLERS),
    wait_seconds=PLACE_TIMEOUT_SECONDS,
)
large_bodies = threading.BoundedSemaphore(LARGE_BODY_SLOTS)
# A small workbook can unpack to all that a request may.
workbooks = threading.BoundedSemaphore(1)


def receive(read: Callable[[], bytes], caller: Hashable) -> bytes:
    """The body that `read` waits for.

    Raises Overloaded if all places are taken, Throttled if the caller has as many places as are free, and
    IncompleteBody if the connection is lost.
    """
    try:
        bodies.acquire(caller)
    except NoPlace:
        raise (Throttled if bodies.count() < BODY_PLACES else Overloaded) from None
    try:
        return read()
    except OSError:
        raise IncompleteBody from None
    finally:
        bodies.release(caller)


@contextmanager
def occupy(slots: threading.Semaphore) -> Iterator[None]:
    """Run the block in one of the slots. Raises Overloaded if none becomes free in time."""
    if not slots.acquire(timeout=SLOT_TIMEOUT_SECONDS):
        raise Overloaded
    try:
        yield
    finally:
        slots.release()
