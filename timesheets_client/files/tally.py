"""Read the entries of one file and count what becomes of them."""

import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path

from timesheets_client.arguments import Options
from timesheets_client.files.control_totals import check_totals
from timesheets_client.files.preview import Preview
from timesheets_client.files.rejects import RejectsFile
from timesheets_client.output.report import FileOutcome, Report
from timesheets_client.reading.entries import InputEntry, InputWarning, RejectedEntry, SkippedRow
from timesheets_client.reading.identity import EntryIds, require_own_id
from timesheets_client.reading.inputs import Input, read_entries
from timesheets_client.sending.corrections import describe_change, ignore_revision
from timesheets_client.sending.verdicts import Verdicts


@dataclass(kw_only=True)
class Tally:
    """Counts the entries of one file. Passes what is rejected or skipped on to the report and the others."""

    source: Input
    report: Report
    is_strict: bool
    rejects: RejectsFile | None = None
    preview: Preview | None = None
    is_suspicious: bool = False
    outcome: FileOutcome = field(init=False)
    start: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.outcome = FileOutcome(file=self.source.given or self.source.name)

    @property
    def is_faulty(self) -> bool:
        return self.outcome.rejected > 0 or (self.is_strict and self.is_suspicious)

    def add(self, verdicts: Verdicts) -> None:
        self.outcome.uploads += verdicts.uploads
        self.outcome.created += verdicts.created
        self.outcome.existing += verdicts.existing
        if self.outcome.corrected is not None:
            self.outcome.corrected += verdicts.corrected
        self.reject(*verdicts.rejected)
        for each in verdicts.listed:
            if each.was:
                self.report.show(describe_change(each))
            elif each.revision or each.status == HTTPStatus.OK:
                self.report.show_detail(each.describe())

    def reject(self, *rejected: RejectedEntry) -> None:
        self.report.show_rejected(rejected, self.outcome.rejected)
        self.outcome.rejected += len(rejected)
        if self.preview:
            self.preview.reject(rejected)
        if self.rejects:
            for each in rejected:
                self.rejects.add(each)

    def skip(self, row: SkippedRow) -> None:
        self.report.show_detail(row.describe())
        if self.preview:
            self.preview.skip(row)
        self.outcome.skipped = (self.outcome.skipped or 0) + 1

    def finish(self, rejects: Path | None = None) -> FileOutcome:
        return replace(self.outcome, rejects=rejects, seconds=time.monotonic() - self.start)

    def show_progress(self, entries: int) -> None:
        size = self.source.size
        self.report.progress.advance(entries, self.source.tell() / size if size else None)


def take_entries(tally: Tally, options: Options) -> Generator[InputEntry]:
    """The entries that can be sent, with their ids. Counts all entries and rejects the others.

    Raises TotalsDiffer before the first one.
    """
    ids = EntryIds() if options.derives_ids and not options.is_correction else None
    tally.outcome.corrected = 0 if options.ignores_revisions else None
    tally.outcome.skipped = 0 if options.entry_map else None
    # The reader must release the file before the caller closes the file.
    with (
        check_totals(tally.source, options) as source,
        closing(read_entries(source, options.format, options.tables)) as read,
    ):
        for each in read:
            if isinstance(each, InputWarning):
                tally.report.show_problem(each.describe())
                tally.is_suspicious = True
                continue
            if isinstance(each, SkippedRow):
                tally.skip(each)
                continue
            tally.outcome.entries += 1
            item = ignore_revision(each) if options.ignores_revisions else require_own_id(each)
            if isinstance(item, InputEntry):
                yield ids.identify(item) if ids else item
            else:
                tally.reject(ids.identify_rejected(item) if ids else item)
