"""Upload a file: read, identify, send in batches, keep what is rejected."""

from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from pathlib import Path

from timesheets_client.context import RunContext
from timesheets_client.errors import (
    DiskFull,
    ExitStatus,
    InputInUse,
    InputUnreadable,
    WrongUsage,
    choose_status,
)
from timesheets_client.files.drafts import remove_abandoned_drafts
from timesheets_client.files.folders import Folder
from timesheets_client.files.locks import open_locked
from timesheets_client.files.rejects import RejectsFile, find_stdin_rejects_folder, place_rejects
from timesheets_client.files.tally import Tally, take_entries
from timesheets_client.output.report import Report
from timesheets_client.reading.entries import InputEntry
from timesheets_client.reading.identity import EntryIds
from timesheets_client.reading.inputs import Input, read_entries
from timesheets_client.sending.batch_uploads import UploadMode, upload_batch
from timesheets_client.sending.batches import Batch, encode_entry, make_batches
from timesheets_client.sending.verdicts import Verdicts

# The API's own limits on one request, before it is zipped.
MAX_STRICT_ENTRIES = 10_000
MAX_STRICT_BYTES = 8 * 1024 * 1024
# What keeps one file from being uploaded, and not the next.
OF_ONE_FILE = (InputUnreadable, InputInUse, WrongUsage, DiskFull)


def upload_files(context: RunContext) -> ExitStatus:
    places = [context.options.rejects] if context.options.rejects else map(Path, context.options.files)
    for folder in {find_stdin_rejects_folder(context), *(place.parent for place in places)}:
        remove_abandoned_drafts(Folder(folder))
    return choose_status(
        [
            guard_file(partial(upload_named_file, name, context), context.report)
            for name in context.options.files
        ]
    )


def guard_file(action: Callable[[], ExitStatus], report: Report) -> ExitStatus:
    """What `action` returns; what concerns no other file is told here. Raises the rest."""
    try:
        return action()
    except OF_ONE_FILE as error:
        report.show_problem(str(error))
        status: ExitStatus = error.exit_status
        return status


def upload_named_file(name: str, context: RunContext) -> ExitStatus:
    with open_locked(name, context) as source:
        return upload_file(source, place_rejects(source, context), context)


def upload_file(source: Input, rejects: RejectsFile, context: RunContext) -> ExitStatus:
    """Upload what stands in `source` and report. Raises an UploadError where the rest isn't uploaded."""
    tally = Tally(source=source, rejects=rejects, report=context.report)
    upload = upload_atomically if context.options.is_strict else upload_in_batches
    try:
        with (
            context.report.progress.follow(source.name),
            # A reader lets go of the file before that is closed.
            closing(read_entries(source, context.options.format, context.options.time_zone)) as read,
        ):
            upload(
                take_entries(read, EntryIds() if context.options.derives_ids else None, tally), tally, context
            )
        is_refused = context.options.is_strict and tally.is_faulty
        outcome = tally.summarize(rejects.commit(is_file_refused=is_refused))
    except BaseException:
        context.report.show_partial_upload(tally.summarize(None), context.options.derives_ids)
        raise
    finally:
        rejects.discard()
    context.report.show_file(outcome)
    return ExitStatus.REJECTED if outcome.rejected or is_refused else ExitStatus.DONE


def upload_in_batches(entries: Iterable[InputEntry], tally: Tally, context: RunContext) -> None:
    mode = UploadMode(tells_all=context.report.verbosity > 1)
    for batch in make_batches(entries, context.options.batch_size):
        with context.environment.signals.deferred():
            tally.count(upload_batch(context.client, batch, mode))
        tally.advance(len(batch))


def upload_atomically(entries: Iterable[InputEntry], tally: Tally, context: RunContext) -> None:
    """All of the entries or none. If some cannot be read or are suspicious, the API is only asked."""
    batch = make_atomic_batch(entries, tally.source.name)
    if not batch:
        return
    mode = UploadMode(is_atomic=True, is_dry_run=tally.is_faulty, lists_all=context.report.verbosity > 1)
    with context.environment.signals.deferred():
        verdicts = upload_batch(context.client, batch, mode)
        # What a dry run would have created was not.
        tally.count(Verdicts(rejected=verdicts.rejected) if mode.is_dry_run else verdicts)
    if tally.is_faulty:
        context.report.show_problem(f"{tally.source.name}: nothing was stored (--strict)")
    tally.advance(len(batch))


def make_atomic_batch(entries: Iterable[InputEntry], name: str) -> Batch:
    """One batch of all. Raises WrongUsage if the API doesn't take so much in one request."""
    taken: list[InputEntry] = []
    lines: list[bytes] = []
    size = 0
    for entry in entries:
        taken.append(entry)
        lines.append(encode_entry(entry))
        size += len(lines[-1])
        if len(taken) > MAX_STRICT_ENTRIES or size > MAX_STRICT_BYTES:
            raise WrongUsage(
                f"{name}: --strict sends a file in one request, and the API takes {MAX_STRICT_ENTRIES:,} "
                "entries and 8 MiB in one; nothing was sent; split the file, or send it without --strict"
            )
    return Batch(entries=taken, lines=lines)
