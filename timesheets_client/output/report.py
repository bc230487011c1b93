"""Tell the user what became of a run. Decides nothing."""

import json
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from timesheets_client.errors import ExitStatus
from timesheets_client.network.failures import walk_causes
from timesheets_client.output.progress import Progress
from timesheets_client.printable import escape, escape_bytes, escape_lines
from timesheets_client.reading.entries import RejectedEntry
from timesheets_client.sending.single_entry import Receipt

MAX_REJECTED_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class FileOutcome:
    """Counts of entries; `rejects` is the file with those that were rejected, if there is one."""

    file: str
    entries: int
    created: int
    existing: int
    rejected: int
    rejects: Path | None
    seconds: float
    is_dry_run: bool = False

    def describe(self) -> str:
        """As in `week23.csv: 1000 entries, 990 created, 8 already there, 2 rejected in 0.4 s`."""
        counted = f"{self.file}: {self.entries} {'entry' if self.entries == 1 else 'entries'}"
        if self.is_dry_run:
            return f"{counted}, {self.rejected} rejected; nothing was sent (--dry-run)"
        return (
            f"{counted}, {self.created} created, {self.existing} already there, "
            f"{self.rejected} rejected in {self.seconds:.1f} s"
        )


@dataclass(kw_only=True)
class Report:
    """Writes lines: what was uploaded by `write`, what went wrong by `warn`.

    With `is_json` all that is written is one object, at the end.
    """

    write: Callable[[str], object]
    warn: Callable[[str], object]
    verbosity: int
    with_traceback: bool
    is_json: bool = False
    progress: Progress = field(default_factory=Progress)
    outcomes: list[FileOutcome] = field(default_factory=list)
    message: str | None = None

    def show_receipt(self, receipt: Receipt) -> None:
        self.message = receipt.message
        self.show(receipt.message)

    def show_file(self, outcome: FileOutcome) -> None:
        self.outcomes.append(outcome)
        self.show(outcome.describe())
        name = escape(outcome.file)
        if outcome.rejected > MAX_REJECTED_SHOWN:
            self.show_problem(f"{name}: {outcome.rejected - MAX_REJECTED_SHOWN} more were rejected")
        if outcome.rejects:
            self.show_problem(
                f"{name}: {outcome.rejected} rejected; "
                f"mend them in {escape(str(outcome.rejects))} and upload that file"
            )

    def show_partial_upload(self, outcome: FileOutcome, can_be_sent_again: bool) -> None:
        """What became of a file whose upload came to no end."""
        self.outcomes.append(outcome)
        done = outcome.created + outcome.existing
        if done:
            advice = (
                "sending the whole file again doubles none" if can_be_sent_again else "send the rest only"
            )
            self.show_problem(f"{escape(outcome.file)}: {done} of its entries are on the server; {advice}")

    def show_rejected(self, rejected: Sequence[RejectedEntry], before: int) -> None:
        """Name some of a file's rejected entries, of which `before` came before."""
        for each in rejected[: max(0, MAX_REJECTED_SHOWN - before)]:
            self.show_problem(each.describe())

    def show_existing(self, sources: Sequence[str]) -> None:
        for source in sources if self.verbosity > 1 else ():
            self.show(f"{source}: already there")

    def show(self, line: str) -> None:
        if self.verbosity > 0 and not self.is_json:
            self.write(escape(line))

    def show_problem(self, problem: str) -> None:
        shown = escape_lines(problem)
        if not self.progress.write(shown):
            self.warn(shown)

    def show_wait(self, announcement: str) -> None:
        if self.verbosity > 0:
            self.show_problem(announcement)

    def show_detail(self, detail: str) -> None:
        if self.verbosity > 1:
            self.show_problem(detail)

    def show_bug(self, error: Exception) -> None:
        self.warn(
            f"upload_timesheet has a bug: {name_type(error)}. --traceback shows where; please report it."
        )
        if self.with_traceback:
            self.warn("\n".join(trace_causes(error)))

    def finish(self, status: ExitStatus) -> None:
        if self.is_json:
            message = {"message": self.message} if self.message else {}
            files = [encode_outcome(outcome) for outcome in self.outcomes]
            self.write(json.dumps({"files": files, **message, "exit": int(status)}))


def encode_outcome(outcome: FileOutcome) -> dict[str, object]:
    return {
        "file": escape_bytes(outcome.file),
        "entries": outcome.entries,
        "created": outcome.created,
        "existing": outcome.existing,
        "rejected": outcome.rejected,
        "rejects": escape_bytes(str(outcome.rejects)) if outcome.rejects else None,
        "seconds": round(outcome.seconds, 3),
    }


def trace_causes(error: Exception) -> Iterator[str]:
    # Without the messages: what a bug choked on, and quotes, may be a token or a secret.
    for cause in walk_causes(error):
        yield f"{name_type(cause)} at (most recent call last):"
        yield "".join(traceback.format_tb(cause.__traceback__)).rstrip()


def name_type(error: BaseException) -> str:
    return type(error).__qualname__
