"""Upload a file: read it, send its entries in batches, keep the rejected ones."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import chain, islice
from typing import Any

from timesheets_client.context import RunContext
from timesheets_client.errors import FILE_ERRORS, ExitStatus, UploadError, WrongUsage, choose_status
from timesheets_client.files.entries import take_entries
from timesheets_client.files.folders import open_locked
from timesheets_client.files.rejects import RejectsFile, place_rejects
from timesheets_client.files.tally import Tally
from timesheets_client.output.report import Report
from timesheets_client.reading.entries import InputEntry, encode_value
from timesheets_client.reading.identity import Occurrences, digest_content, strip_text
from timesheets_client.reading.inputs import Input
from timesheets_client.sending.batches import Batch, make_batches
from timesheets_client.sending.uploads import UploadMode, make_label, upload_batch
from timesheets_client.sending.verdicts import REPEATED_ID
from timesheets_files.members import ENTRY_ID

# The API's limits for one request, before gzip.
MAX_STRICT_ENTRIES = 10_000
MAX_STRICT_BYTES = 8 * 1024 * 1024
# As many as a batch has by default.
MAX_WITHOUT_ID = 1_000


def upload_files(context: RunContext) -> ExitStatus:
    """Upload the files of the command line, one after the other."""

    def upload(name: str) -> ExitStatus:
        with open_locked(name, context) as source:
            return upload_file(source, place_rejects(source, context), context)

    return process_files(context.options.files, upload, context.report)


def process_files(files: Iterable[Any], process: Callable[[Any], ExitStatus], report: Report) -> ExitStatus:
    """Process each file. Reports bugs and errors that concern only one file, and raises any other error."""
    statuses = []
    for each in files:
        try:
            statuses.append(process(each))
        except FILE_ERRORS as error:
            report.show_problem(str(error))
            statuses.append(error.exit_status)
        except UploadError:
            raise
        except Exception as error:  # noqa: BLE001  One file must not keep the others from being uploaded.
            report.show_bug(error)
            statuses.append(ExitStatus.BUG)
    return choose_status(statuses)


def upload_file(source: Input, rejects: RejectsFile, context: RunContext) -> ExitStatus:
    """Upload the entries of `source` and report. Raises an UploadError if some could not be sent."""
    options, report = context.options, context.report
    tally = Tally(source=source, report=report, is_strict=options.is_strict, rejects=rejects)
    try:
        with report.progress.follow(source.name), closing(take_entries(tally, options)) as entries:
            upload_entries(entries, tally, context)
        tally.kept = rejects.commit(is_file_refused=options.is_strict and tally.is_faulty)
    except BaseException:
        tally.show_part(has_ids=options.derives_ids or options.is_correction)
        raise
    finally:
        rejects.discard()
    return tally.show()


def upload_entries(
    entries: Iterable[InputEntry], tally: Tally, context: RunContext, *, is_dry_run: bool = False
) -> None:
    """Upload in batches, or with --strict all or none. Counts what becomes of the entries."""
    options = context.options
    is_atomic = options.is_strict and not is_dry_run
    if options.is_correction:
        entries = reject_repeated(require_ids(entries, tally.source.name), tally)
    batches: Iterable[Batch] = make_batches(entries, options.batch_size)
    if is_atomic:
        batches = make_atomic_batch(entries, tally.source.name)
    # Of a file that is already faulty nothing is stored. The API only says what else is.
    stores_nothing = is_atomic and tally.is_faulty
    mode = UploadMode(
        is_atomic=is_atomic,
        is_dry_run=is_dry_run or stores_nothing,
        lists_all=context.report.verbosity > 1 or options.is_correction,
        label="" if is_dry_run else make_label(tally.file),
        reason=(options.reason or "") if options.is_correction else "",
    )
    for batch in batches:
        with context.environment.signals.deferred():
            verdicts = upload_batch(context.client, batch, mode)
            if stores_nothing:
                tally.reject(*verdicts.rejected)
            else:
                tally.add(verdicts, context.client)
        tally.show_progress(len(batch))
    if is_atomic and tally.is_faulty:
        context.report.show_problem(f"{tally.source.name}: nothing was stored (--strict)")


def require_ids(entries: Iterable[InputEntry], name: str) -> Iterator[InputEntry]:
    """The same entries. Raises WrongUsage if none of the first thousand has an `entry_id`."""
    rest = iter(entries)
    first = list(islice(rest, MAX_WITHOUT_ID))
    if first and all(each.members.get(ENTRY_ID) is None for each in first):
        raise WrongUsage(
            f"{name}: --correct needs the entry_id that each entry was stored with; add the column entry_id; "
            "nothing was sent"
        )
    return chain(first, rest)


def reject_repeated(entries: Iterable[InputEntry], tally: Tally) -> Iterator[InputEntry]:
    """The entries without those that have the `entry_id` of an earlier one, because only one can be right."""
    occurrences = Occurrences()
    for entry in entries:
        entry_id = strip_text(entry.members.get(ENTRY_ID))
        if entry_id is not None and occurrences.count(digest_content(encode_value(entry_id).encode())):
            tally.reject(entry.reject({ENTRY_ID: [REPEATED_ID]}))
        else:
            yield entry


def make_atomic_batch(entries: Iterable[InputEntry], name: str) -> list[Batch]:
    """One batch of all entries, if there are any. Raises WrongUsage if the API does not take it."""
    batches = list(islice(make_batches(entries, MAX_STRICT_ENTRIES, MAX_STRICT_BYTES), 2))
    if len(batches) > 1 or any(sum(map(len, batch.lines)) > MAX_STRICT_BYTES for batch in batches):
        raise WrongUsage(
            f"{name}: --strict sends a file in one request, and the API accepts at most "
            f"{MAX_STRICT_ENTRIES:,} entries and 8 MiB per request; nothing was sent; split the file, or "
            "send it without --strict"
        )
    return batches
