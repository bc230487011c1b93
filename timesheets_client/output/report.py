"""Show the user what became of a run."""

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path

from timesheets_client.errors import ExitStatus
from timesheets_client.network.failures import walk_causes
from timesheets_client.output.progress import ProgressBar
from timesheets_client.printable import escape, escape_bytes, escape_lines
from timesheets_client.reading.entries import RejectedEntry
from timesheets_client.reading.json_values import encode_value

MAX_REJECTED_SHOWN = 20
CHANGES = ("created", "corrected", "restored", "withdrawn")


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


@dataclass(kw_only=True)
class FileOutcome:
    """The counts of a file's entries, and the path of its rejects file, if there is one.

    `corrected` is None unless the run corrects.
    `skipped` counts the rows that a mapping file skips. It is None without one.
    `first_entries` are those that a preview shows.
    """

    file: str
    entries: int = 0
    created: int = 0
    corrected: int | None = None
    # Only --replace does these.
    restored: int | None = None
    withdrawn: int | None = None
    existing: int = 0
    rejected: int = 0
    skipped: int | None = None
    rejects: Path | None = None
    seconds: float = 0
    first_entries: Sequence[Mapping[str, object]] | None = None
    # The numbers of the API's receipts.
    uploads: list[int] = field(default_factory=list)

    def describe(self, *, unsent: str = "") -> str:
        """As in `week23.csv: 1000 entries, 990 created, 8 already there, 2 rejected in 0.4 s; upload 17`.

        `unsent` is the option for which nothing was sent.
        """
        counted = f"{self.file}: {count_entries(self.entries)}"
        refused = f"{self.rejected} rejected{f', {self.skipped} skipped' if self.skipped else ''}"
        if unsent:
            return f"{counted}, {refused}; nothing was sent ({unsent})"
        changed = [f"{count} {word}, " for word in CHANGES if (count := getattr(self, word)) is not None]
        return (
            f"{counted}, {''.join(changed)}{self.existing} already there, {refused} in {self.seconds:.1f} s"
            f"{describe_uploads(self.uploads)}"
        )

    def count(self, word: str) -> None:
        """Count an entry as one of CHANGES."""
        setattr(self, word, getattr(self, word) + 1)

    def encode(self) -> dict[str, object]:
        """The object that --json prints for the file."""
        counts = {name: value for name, value in asdict(self).items() if value is not None}
        return counts | {
            "file": escape_bytes(self.file),
            "rejects": self.rejects and escape_bytes(str(self.rejects)),
            "seconds": round(self.seconds, 3),
        }


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
    outcomes: list[FileOutcome] = field(default_factory=list)
    # What --json prints besides the files.
    results: dict[str, object] = field(default_factory=dict)
    shown_once: set[str] = field(default_factory=set)

    def show_file(self, outcome: FileOutcome, *, unsent: str = "") -> None:
        self.outcomes.append(outcome)
        self.show(outcome.describe(unsent=unsent))
        name = escape(outcome.file)
        if outcome.rejected > MAX_REJECTED_SHOWN:
            self.show_problem(f"{name}: {outcome.rejected - MAX_REJECTED_SHOWN} more were rejected")
        if outcome.rejects:
            self.show_problem(
                f"{name}: {outcome.rejected} rejected; "
                f"fix them in {escape(str(outcome.rejects))} and upload that file"
                f"{'' if outcome.corrected is None else ' with --correct'}"
            )

    def show_partial_upload(self, outcome: FileOutcome, has_ids: bool) -> None:
        """Show how much of a file is stored after its upload failed."""
        self.outcomes.append(outcome)
        stored = outcome.created + (outcome.corrected or 0) + outcome.existing
        if stored:
            whole, rest = "sending the whole file again creates no duplicates", "upload only the rest"
            advice = whole if has_ids else rest
            self.show_problem(f"{escape(outcome.file)}: {stored} of its entries are on the server; {advice}")

    def show_rejected(self, rejected: Sequence[RejectedEntry], before: int) -> None:
        """Show rejected entries of a file up to a limit, after `before` earlier ones."""
        for each in rejected[: max(0, MAX_REJECTED_SHOWN - before)]:
            self.show_problem(each.describe())

    def show_detail(self, line: str) -> None:
        if self.verbosity > 1:
            self.show(line)

    def show_once(self, line: str) -> None:
        """Show a line, unless the run has shown it before."""
        if line not in self.shown_once:
            self.shown_once.add(line)
            self.show(line)

    def show_lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.show(line)

    def show(self, line: str) -> None:
        if self.verbosity > 0 and not self.is_json:
            self.write(escape(line))

    def show_problem(self, problem: str, *, min_verbosity: int = 0) -> None:
        shown = escape_lines(problem)
        if self.verbosity >= min_verbosity and not self.progress.write(shown):
            self.warn(shown)

    def show_bug(self, error: Exception) -> None:
        self.warn(describe_bug(error))
        if self.with_traceback:
            self.warn("\n".join(trace_causes(error)))

    def finish(self, status: ExitStatus) -> None:
        if self.is_json:
            files = [outcome.encode() for outcome in self.outcomes]
            self.write(encode_value({"files": files, **self.results, "exit": int(status)}))


def describe_bug(error: Exception) -> str:
    """Without its message, because that may quote a token or a secret."""
    name = type(error).__qualname__
    return f"upload_timesheet has a bug: {name}. --traceback shows where; please report it."


def trace_causes(error: Exception) -> Iterator[str]:
    # Without the messages, because they may quote a token or a secret.
    for cause in walk_causes(error):
        yield f"{type(cause).__qualname__} at (most recent call last):"
        yield "".join(traceback.format_tb(cause.__traceback__)).rstrip()
