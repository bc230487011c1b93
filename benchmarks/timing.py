"""Time calls, and read the option that the benchmarks share."""

import argparse
import time
from collections.abc import Callable, Iterable


def time_all(calls: Iterable[Callable[[], object]]) -> float:
    """The seconds that all calls take, one after the other."""
    begin = time.perf_counter()
    for call in calls:
        call()
    return time.perf_counter() - begin


def parse_million(description: str | None) -> bool:
    """Whether the command line has the option `--million`."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=description, formatter_class=formatter)
    parser.add_argument("--million", action="store_true", help="upload a million entries instead")
    return bool(parser.parse_args().million)
