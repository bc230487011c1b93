"""Wait for an event that nothing announces, and let others work beside a test."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Return as soon as the condition is true. Raises TimeoutError after some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not true within {seconds} seconds")
        time.sleep(0.002)


@contextmanager
def run_beside(count: int, work: Callable[[int, threading.Event], None]) -> Iterator[None]:
    """Run `work` in this many threads beside the block. Each ends soon after the event is set."""
    is_over = threading.Event()
    with ThreadPoolExecutor(count) as executor:
        works = [executor.submit(work, number, is_over) for number in range(count)]
        try:
            yield
        finally:
            is_over.set()
    for each in works:
        each.result()
