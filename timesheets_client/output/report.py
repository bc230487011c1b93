"""Show the user what became of a run."""

import traceback
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from timesheets_client.errors import ExitStatus
from timesheets_client.network.exchange import walk_causes
from timesheets_client.output.streams import ProgressBar
from timesheets_client.reading.entries import encode_value
from timesheets_files.printable import escape

MAX_REJECTED_SHOWN = 20
MAX_CELL_LENGTH = 28


def count_entries(count: int) -> str:
    """As in `1 entry` or `2 entries`."""
    return f"{count} {'entry' if count == 1 else 'entries'}"


def describe_uploads(numbers: Sequence[int]) -> str:
    """The end of a summary, as in `; uploads 17 to 20`; empty without an upload."""
    parts: list[str] = []
    for _, group in groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0]):
        run = [str(number) for _, number in group]
        parts += [f"{run[0]} to {run[-1]}"] if len(run) > 2 else run
    return f"; upload{'s' * (len(numbers) > 1)} {', '.join(parts)}" if parts else ""


def format_table(rows: Sequence[Mapping[str, str]], right: Collection[str] = ()) -> list[str]:
    """A line with the names of the columns, and one per row. Texts are escaped, and cut if they are long.

    The columns in `right` are aligned to the right, and cut on the left.
    """
    columns = []
    for name in dict.fromkeys(name for row in rows for name in row):
        to_right = name in right
        cells = [cut(text, on_left=to_right) for text in (name, *(row.get(name, "") for row in rows))]
        width = max(map(len, cells))
        columns.append([cell.rjust(width) if to_right else cell.ljust(width) for cell in cells])
    return [f"  {'  '.join(line)}".rstrip() for line in zip(*columns, strict=True)]


def cut(text: str, *, on_left: bool) -> str:
    # A text can have a million characters.
    shown = escape(text[-MAX_CELL_LENGTH - 1 :] if on_left else text[: MAX_CELL_LENGTH + 1])
    if len(shown) <= MAX_CELL_LENGTH:
        return shown
    return f"...{shown[3 - MAX_CELL_LENGTH :]}" if on_left else f"{shown[: MAX_CELL_LENGTH - 3]}..."


@dataclass(kw_only=True)
class Report:
    """Shows results with `write` and problems with `warn`.

    With `is_json`, `finish` writes one object, and nothing else is written.
    """

    write: Callable[[str], object]
    warn: Callable[[str], object]
    verbosity: int
    with_traceback: bool
    is_json: bool = False
    progress: ProgressBar = field(default_factory=ProgressBar)
    # What --json prints: an object for each file, and what else the run found.
    files: list[dict[str, object]] = field(default_factory=list)
    results: dict[str, object] = field(default_factory=dict)

    def show_detail(self, line: str) -> None:
        if self.verbosity > 1:
            self.show(line)

    def show_lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.show(line)

    def show(self, line: str) -> None:
        if self.verbosity > 0 and not self.is_json:
            self.write(escape(line))

    def show_problem(self, problem: str, *, min_verbosity: int = 0) -> None:
        shown = "\n".join(map(escape, problem.split("\n")))
        if self.verbosity >= min_verbosity and not self.progress.write(shown):
            self.warn(shown)

    def show_bug(self, error: Exception) -> None:
        self.warn(describe_bug(error))
        # Without messages, because they may quote a token or a secret.
        if self.with_traceback:
            for cause in walk_causes(error):
                stack = "".join(traceback.format_tb(cause.__traceback__)).rstrip()
                self.warn(f"{type(cause).__qualname__} at (most recent call last):\n{stack}")

    def finish(self, status: ExitStatus) -> None:
        if self.is_json:
            self.write(encode_value({"files": self.files, **self.results, "exit": int(status)}))


def describe_bug(error: Exception) -> str:
    name = type(error).__qualname__
    return f"upload_timesheet has a bug: {name}. --traceback shows where; please report it."
