"""Time calls."""

import time
from collections.abc import Callable, Iterable


def time_all(calls: Iterable[Callable[[], object]]) -> float:
    """The seconds that all calls take, one after the other."""
    begin = time.perf_counter()
    for call in calls:
        call()
    return time.perf_counter() - begin
