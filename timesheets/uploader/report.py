"""Tell the user what became of a run. Decides nothing."""

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from timesheets.uploader.client import Receipt
from timesheets.uploader.failures import walk_causes


@dataclass(frozen=True, kw_only=True)
class Report:
    """Writes lines: what was uploaded by `write`, what went wrong by `warn`."""

    write: Callable[[str], object]
    warn: Callable[[str], object]
    verbosity: int
    with_traceback: bool

    def tell_receipt(self, receipt: Receipt) -> None:
        if self.verbosity > 0:
            self.write(receipt.message)

    def tell_problem(self, problem: str) -> None:
        self.warn(problem)

    def tell_bug(self, error: Exception) -> None:
        self.warn(
            f"upload_timesheet has a bug: {name_kind(error)}. --traceback shows where; please report it."
        )
        if self.with_traceback:
            self.warn("\n".join(trace_causes(error)))


def trace_causes(error: Exception) -> Iterator[str]:
    # Without the messages: what a bug choked on, and quotes, may be a token or a secret.
    for cause in walk_causes(error):
        yield f"{name_kind(cause)} at (most recent call last):"
        yield "".join(traceback.format_tb(cause.__traceback__)).rstrip()


def name_kind(error: BaseException) -> str:
    return type(error).__qualname__
