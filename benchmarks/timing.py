"""Time several ways to do one thing in one run, in turns, so that a noisy machine disturbs all alike."""

import statistics
import time
from collections.abc import Callable, Mapping


def time_in_turns(
    ways: Mapping[str, Callable[[], object]], *, rounds: int, calls: int
) -> Mapping[str, float]:
    """Seconds a call of each way: the median of `rounds`, each of `calls` calls of every way."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, call in ways.items():
            begin = time.perf_counter()
            for _ in range(calls):
                call()
            seconds[name].append((time.perf_counter() - begin) / calls)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def print_table(seconds: Mapping[str, float], rival: str, unit: str = "us") -> None:
    """A line for each way, with its ratio to `rival`."""
    factor = {"us": 1e6, "ms": 1e3}[unit]
    width = max(map(len, seconds))
    for name, taken in seconds.items():
        print(f"{name:<{width}}  {taken * factor:9.1f} {unit}  {taken / seconds[rival]:5.2f}")
