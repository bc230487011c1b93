"""Count what becomes of the entries of one file, and show it."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

from timesheets_client.errors import ExitStatus
from timesheets_client.files.rejects import RejectsFile
from timesheets_client.network.messages import make_printable
from timesheets_client.output.report import MAX_REJECTED_SHOWN, Report, count_entries, describe_uploads
from timesheets_client.reading.entries import Members, RejectedEntry, SkippedRow
from timesheets_client.reading.identity import normalize_date, normalize_hours, strip_text
from timesheets_client.reading.inputs import Input
from timesheets_client.sending.client import ApiClient
from timesheets_client.sending.verdicts import Verdicts
from timesheets_files.members import COLUMNS
from timesheets_files.printable import escape, escape_bytes


@dataclass(kw_only=True)
class Tally:
    """Counts the entries of one file. Passes what is rejected or skipped on to the report and others."""

    source: Input
    report: Report
    is_strict: bool = False
    rejects: RejectsFile | None = None
    on_skip: Callable[[SkippedRow], object] = lambda _: None
    is_suspicious: bool = False
    entries: int = 0
    # The entries that were created, and in a run that corrects, also those of each other change.
    changes: dict[str, int] = field(default_factory=lambda: {"created": 0})
    existing: int = 0
    rejected: int = 0
    # Rows that a map skips; None without a map.
    skipped: int | None = None
    # The file with the rejected entries, if one was written.
    kept: Path | None = None
    # Those that a preview shows.
    first_entries: Sequence[Mapping[str, object]] | None = None
    # The numbers of the API's receipts.
    uploads: list[int] = field(default_factory=list)
    start: float = field(default_factory=time.monotonic)

    @property
    def file(self) -> str:
        return self.source.given or self.source.name

    @property
    def is_faulty(self) -> bool:
        return self.rejected > 0 or (self.is_strict and self.is_suspicious)

    @property
    def status(self) -> ExitStatus:
        return ExitStatus.REJECTED if self.is_faulty else ExitStatus.DONE

    def add(self, verdicts: Verdicts, client: ApiClient) -> None:
        self.uploads += verdicts.uploads
        self.changes["created"] += verdicts.created
        self.existing += verdicts.existing
        if "corrected" in self.changes:
            self.changes["corrected"] += verdicts.corrected
        self.reject(*verdicts.rejected)
        for each in verdicts.listed:
            if each.was:
                values = describe_values(each.entry.members, each.was, client)
                self.report.show(f"{each.entry.source}: would become revision {each.revision}: {values}")
            elif each.revision:
                self.report.show_detail(f"{each.entry.source}: corrected, revision {each.revision}")
            elif each.status == HTTPStatus.OK:
                self.report.show_detail(f"{each.entry.source}: already there")

    def reject(self, *rejected: RejectedEntry) -> None:
        for each in rejected[: max(0, MAX_REJECTED_SHOWN - self.rejected)]:
            self.report.show_problem(each.describe())
        self.rejected += len(rejected)
        if self.rejects:
            for each in rejected:
                self.rejects.add(each)

    def skip(self, row: SkippedRow) -> None:
        self.report.show_detail(row.describe())
        self.on_skip(row)
        self.skipped = (self.skipped or 0) + 1

    def finish(self) -> float:
        """Let --json print the file. Returns the seconds that it took."""
        seconds = time.monotonic() - self.start
        optional = {"skipped": self.skipped, "first_entries": self.first_entries}
        self.report.files.append(
            {
                "file": escape_bytes(self.file),
                "entries": self.entries,
                **self.changes,
                "existing": self.existing,
                "rejected": self.rejected,
                "rejects": self.kept and escape_bytes(str(self.kept)),
                "seconds": round(seconds, 3),
                "uploads": self.uploads,
                **{name: value for name, value in optional.items() if value is not None},
            }
        )
        return seconds

    def show(self, *, unsent: str = "") -> ExitStatus:
        """As in `week23.csv: 1000 entries, 990 created, 8 already there, 2 rejected in 0.4 s; upload 17`.

        `unsent` is the option for which nothing was sent.
        """
        seconds, name = self.finish(), escape(self.file)
        end = f"; nothing was sent ({unsent})" if unsent else f" in {seconds:.1f} s"
        self.report.show(f"{self._describe(unsent=unsent)}{end}{describe_uploads(self.uploads)}")
        if self.rejected > MAX_REJECTED_SHOWN:
            self.report.show_problem(f"{name}: {self.rejected - MAX_REJECTED_SHOWN} more were rejected")
        if self.kept:
            self.report.show_problem(
                f"{name}: {self.rejected} rejected; fix them in {escape(str(self.kept))} and upload that file"
                f"{' with --correct' if 'corrected' in self.changes else ''}"
            )
        return self.status

    def show_check(self) -> ExitStatus:
        """Show what would be stored without --check."""
        self.finish()
        word = "rejected" if self.is_faulty else "ok"
        self.report.show(f"{word:<8} {self._describe('would be ')}; nothing was stored (--check)")
        return self.status

    def _describe(self, mood: str = "", unsent: str = "") -> str:
        changes = self.changes.items()
        changed = "".join(f"{count} {mood}{word}, " for word, count in changes if count or not mood)
        outcome = "" if unsent else f"{changed}{self.existing} already there, "
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.file}: {count_entries(self.entries)}, {outcome}{self.rejected} rejected{skipped}"

    def show_part(self, *, has_ids: bool) -> None:
        """Show how much of the file is stored after its upload failed."""
        self.finish()
        if stored := sum(self.changes.values()) + self.existing:
            whole, name = "sending the whole file again creates no duplicates", escape(self.file)
            advice = whole if has_ids else "upload only the rest"
            self.report.show_problem(f"{name}: {stored} of its entries are on the server; {advice}")

    def show_progress(self, entries: int) -> None:
        file, share = self.source.file, 0.0
        if self.source.path:
            share = file.tell() / max(1, os.fstat(file.fileno()).st_size)
        self.report.progress.advance(entries, share)


def describe_values(new: Members, old: Mapping[str, str], client: ApiClient) -> str:
    """The four members, safe to print; of those that differ from `old`, both values."""
    texts = {name: make_printable(str(new.get(name))) for name in COLUMNS}
    for name, was in old.items():
        if not is_equal(name, was, new.get(name), client):
            texts[name] = f"{was} -> {texts[name]}"
    return f"{', '.join(texts.values())} hours"


def is_equal(name: str, old: str, new: object, client: ApiClient) -> bool:
    """Whether the API's value is the one that is sent. A date is midnight in the API's time zone."""
    if name == "hours":
        return normalize_hours(old) == normalize_hours(new)
    if name != "date":
        return old == strip_text(new)
    try:
        midnight = datetime.strptime(str(new), "%Y-%m-%d").replace(tzinfo=client.time_zone)
        return datetime.fromisoformat(old) == midnight
    except ValueError:
        return normalize_date(old) == normalize_date(new)
