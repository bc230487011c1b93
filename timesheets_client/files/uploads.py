"""Upload a file: read, identify, send in batches, keep what is rejected."""

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from timesheets_client.context import RunContext
from timesheets_client.errors import ExitStatus, WrongUsage
from timesheets_client.files.rejects import Rejects, RejectsFile
from timesheets_client.output.report import FileOutcome, Report
from timesheets_client.reading.entries import InputEntry, InputItem, RejectedEntry, InputWarning
from timesheets_client.reading.identity import EntryIds
from timesheets_client.reading.inputs import Input, read_entries
from timesheets_client.sending.batch_uploads import UploadMode, upload_batch
from timesheets_client.sending.batches import Batch, encode_entry, make_batches
from timesheets_client.sending.verdicts import Verdicts

# The API's own limits on one request, before it is zipped.
STRICT_ENTRIES_AT_MOST = 10_000
STRICT_BYTES_AT_MOST = 8 * 1024 * 1024


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
        self.report.tell_existing(verdicts.existing_sources)

    def reject(self, *rejected: RejectedEntry) -> None:
        self.report.tell_rejected(rejected, self.rejected)
        self.rejected += len(rejected)
        for each in rejected:
            self.rejects.add(each)

    def suspect(self, suspicion: InputWarning) -> None:
        self.report.tell_problem(suspicion.describe())
        self.is_suspicious = True

    def sum_up(self, rejects: Path | None) -> FileOutcome:
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


def upload_file(source: Input, rejects: RejectsFile, context: RunContext) -> ExitStatus:
    """Upload what stands in `source` and report. Raises an UploadError where the rest isn't uploaded."""
    tally = Tally(source=source, rejects=rejects, report=context.report)
    upload = upload_at_once if context.options.is_strict else upload_in_batches
    try:
        with (
            context.report.progress.follow(source.name),
            # A reader lets go of the file before that is closed.
            closing(read_entries(source, context.options.format, context.options.time_zone)) as read,
        ):
            upload(take_entries(read, EntryIds() if context.options.dedupes else None, tally), tally, context)
        is_refused = context.options.is_strict and tally.is_faulty
        outcome = tally.sum_up(rejects.commit(is_file_refused=is_refused))
    except BaseException:
        context.report.tell_part(tally.sum_up(None), context.options.dedupes)
        raise
    finally:
        rejects.discard()
    context.report.tell_file(outcome)
    return ExitStatus.REJECTED if outcome.rejected or is_refused else ExitStatus.DONE


def take_entries(read: Iterable[InputItem], ids: EntryIds | None, tally: Tally) -> Iterator[InputEntry]:
    """The entries that can be sent, with their ids. What can't be is rejected on the way."""
    for each in read:
        if isinstance(each, InputWarning):
            tally.suspect(each)
            continue
        tally.entries += 1
        if isinstance(each, InputEntry):
            yield ids.identify(each) if ids else each
        else:
            tally.reject(ids.identify_rejected(each) if ids else each)


def upload_in_batches(entries: Iterable[InputEntry], tally: Tally, context: RunContext) -> None:
    mode = UploadMode(lists_all=context.report.verbosity > 1)
    for batch in make_batches(entries, context.options.entries_of_a_batch):
        with context.environment.signals.deferred():
            tally.count(upload_batch(context.client, batch, mode))
        tally.advance(len(batch))


def upload_at_once(entries: Iterable[InputEntry], tally: Tally, context: RunContext) -> None:
    """All of the entries or none. If some cannot be read or are suspicious, the API is only asked."""
    batch = gather(entries, tally.source.name)
    if not batch:
        return
    mode = UploadMode(is_atomic=True, is_dry_run=tally.is_faulty, lists_all=context.report.verbosity > 1)
    with context.environment.signals.deferred():
        verdicts = upload_batch(context.client, batch, mode)
        # What a dry run would have created was not.
        tally.count(Verdicts(rejected=verdicts.rejected) if mode.is_dry_run else verdicts)
    if tally.is_faulty:
        context.report.tell_problem(f"{tally.source.name}: nothing was stored (--strict)")
    tally.advance(len(batch))


def gather(entries: Iterable[InputEntry], name: str) -> Batch:
    """One batch of all. Raises WrongUsage if the API doesn't take so much in one request."""
    taken: list[InputEntry] = []
    lines: list[bytes] = []
    size = 0
    for entry in entries:
        taken.append(entry)
        lines.append(encode_entry(entry))
        size += len(lines[-1])
        if len(taken) > STRICT_ENTRIES_AT_MOST or size > STRICT_BYTES_AT_MOST:
            raise WrongUsage(
                f"{name}: --strict sends a file in one request, and the API takes {STRICT_ENTRIES_AT_MOST:,} "
                "entries and 8 MiB in one; nothing was sent; split the file, or send it without --strict"
            )
    return Batch(entries=taken, lines=lines)
