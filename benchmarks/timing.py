"""Time several ways to do one thing in turns, so that a noisy machine disturbs all of them alike."""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping


def time_in_turns(
    ways: Mapping[str, Callable[[], object]], *, rounds: int, calls: int
) -> Mapping[str, float]:
    """Seconds per call of each way: the median of `rounds`, each with `calls` calls."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, call in ways.items():
            begin = time.perf_counter()
            for _ in range(calls):
                call()
            seconds[name].append((time.perf_counter() - begin) / calls)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def print_table(seconds: Mapping[str, float], rival: str) -> None:
    """Print a line for each way, in milliseconds and with its ratio to `rival`."""
    width = max(map(len, seconds))
    for name, taken in seconds.items():
        print(f"{name:<{width}}  {taken * 1000:9.1f} ms  {taken / seconds[rival]:5.2f}")


def parse_million(description: str | None) -> bool:
    """Whether the command line has the option `--million`."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=description, formatter_class=formatter)
    parser.add_argument("--million", action="store_true", help="upload a million entries instead")
    return bool(parser.parse_args().million)
