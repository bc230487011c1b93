"""Write the numbers of uploads."""

from collections.abc import Sequence
from itertools import groupby


def describe_uploads(numbers: Sequence[int]) -> str:
    """The end of a summary, as in `; uploads 17 to 20`; empty without an upload."""
    parts: list[str] = []
    for _, group in groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0]):
        run = [str(number) for _, number in group]
        parts += [f"{run[0]} to {run[-1]}"] if len(run) > 2 else run
    return f"; upload{'s' * (len(numbers) > 1)} {', '.join(parts)}" if parts else ""
