"""Count what becomes of the entries of a file."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from timesheets_client.files.rejects import Rejects
from timesheets_client.output.report import FileOutcome, Report
from timesheets_client.reading.entries import InputEntry, Read, Rejected, Suspicion
from timesheets_client.reading.identity import EntryIds
from timesheets_client.reading.inputs import Input
from timesheets_client.sending.verdicts import Verdicts


@dataclass(kw_only=True)
class Tally:
    """Counts what becomes of one file's entries, and hands on those that are rejected."""

    source: Input
    rejects: Rejects
    report: Report
    begin: float = field(default_factory=time.monotonic)
    entries: int = 0
    created: int = 0
    existing: int = 0
    rejected: int = 0
    is_suspicious: bool = False

    @property
    def is_faulty(self) -> bool:
        """True if --strict refuses the file."""
        return self.rejected > 0 or self.is_suspicious

    def count(self, verdicts: Verdicts) -> None:
        self.created += verdicts.created
        self.existing += verdicts.existing
        self.reject(*verdicts.rejected)
        self.report.show_existing(verdicts.existing_sources)

    def reject(self, *rejected: Rejected) -> None:
        self.report.show_rejected(rejected, self.rejected)
        self.rejected += len(rejected)
        for each in rejected:
            self.rejects.add(each)

    def suspect(self, suspicion: Suspicion) -> None:
        self.report.show_problem(suspicion.describe())
        self.is_suspicious = True

    def summarize(self, rejects: Path | None) -> FileOutcome:
        return FileOutcome(
            file=self.source.given or self.source.name,
            entries=self.entries,
            created=self.created,
            existing=self.existing,
            rejected=self.rejected,
            rejects=rejects,
            seconds=time.monotonic() - self.begin,
        )

    def advance(self, entries: int) -> None:
        size = self.source.size
        self.report.progress.advance(entries, self.source.tell() / size if size else None)


def take_entries(read: Iterable[Read], ids: EntryIds | None, tally: Tally) -> Iterator[InputEntry]:
    """The entries that can be sent, with their ids. What can't be is rejected on the way."""
    for each in read:
        if isinstance(each, Suspicion):
            tally.suspect(each)
            continue
        tally.entries += 1
        if isinstance(each, InputEntry):
            yield ids.identify(each) if ids else each
        else:
            tally.reject(ids.identify_rejected(each) if ids else each)
