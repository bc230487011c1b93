"""Correct the entries of a file."""

from collections.abc import Iterable, Iterator

from timesheets_client.context import RunContext
from timesheets_client.errors import WrongUsage
from timesheets_client.files.tally import Tally
from timesheets_client.reading.entries import COLUMNS, ENTRY_ID, REVISION, InputEntry, RejectedEntry
from timesheets_client.reading.identity import digest_content
from timesheets_client.reading.json_values import encode_value
from timesheets_client.sending.batch_uploads import UploadMode, make_label
from timesheets_client.sending.batches import make_batches
from timesheets_client.sending.client import ApiClient
from timesheets_client.sending.corrections import Corrections, ignore_revision
from timesheets_client.sending.stored_entries import find_entry
from timesheets_client.sending.verdicts import REPEATED_ID, EntryVerdict

# As many as a batch has by default.
MAX_WITHOUT_ID = 1_000
NO_ID = "--correct needs the entry_id that the entry was stored with"


def correct_in_batches(
    entries: Iterable[InputEntry], tally: Tally, context: RunContext, *, is_dry_run: bool = False
) -> None:
    """Correct the entries, or with `is_dry_run` show those that would be corrected. Raises an UploadError."""
    options = context.options
    tally.outcome.corrected = 0
    label = "" if is_dry_run else make_label(tally.outcome.file)
    mode = UploadMode(is_dry_run=is_dry_run, lists_all=True, label=label)
    corrections = Corrections(context.client, options.reason or "", options.batch_size, mode)
    for batch in make_batches(take_identified(entries, tally), options.batch_size):
        with context.environment.signals.deferred():
            verdicts = corrections.correct(batch.entries)
            tally.add(verdicts)
        show_corrections(verdicts.listed, context, is_dry_run=is_dry_run)
        tally.show_progress(len(batch))


def take_identified(entries: Iterable[InputEntry], tally: Tally) -> Iterator[InputEntry]:
    """The entries without their revisions and reasons. Rejects those whose `entry_id` is missing or repeated.

    Raises WrongUsage, before the first entry, if none of the first thousand has an `entry_id`.
    """
    ids: set[bytes] = set()
    waiting: list[InputEntry] = []
    for entry in entries:
        entry_id = entry.members.get(ENTRY_ID)
        digest = digest_content(encode_value(entry_id).encode())
        if entry_id is None:
            waiting.append(entry)
        elif digest in ids:
            tally.reject(reject(entry, REPEATED_ID))
        else:
            ids.add(digest)
            yield ignore_revision(entry)
        if ids:
            tally.reject(*(reject(each, f"{NO_ID}.") for each in waiting))
            waiting.clear()
        elif len(waiting) == MAX_WITHOUT_ID:
            break
    if waiting:
        raise WrongUsage(f"{tally.source.name}: {NO_ID}; add the column entry_id; nothing was sent")


def reject(entry: InputEntry, reason: str) -> RejectedEntry:
    members = ignore_revision(entry).members
    return RejectedEntry(source=entry.source, errors={ENTRY_ID: [reason]}, members=members)


def show_corrections(verdicts: Iterable[EntryVerdict], context: RunContext, *, is_dry_run: bool) -> None:
    for each in filter(lambda verdict: verdict.is_correction, verdicts):
        if not is_dry_run:
            revision = each.entry.members[REVISION]
            context.report.show_detail(f"{each.entry.source}: corrected, revision {revision}")
            continue
        for line in describe_correction(each, context.client):
            context.report.show(line)


def describe_correction(verdict: EntryVerdict, client: ApiClient) -> Iterator[str]:
    """The revision; the stored values, if they can be read; and below them the new ones."""
    members = verdict.entry.members
    yield f"{verdict.entry.source}: would become revision {members[REVISION]}"
    values = {"new": members}
    if client.may_read and verdict.supersedes and (stored := find_entry(client, verdict.supersedes)):
        values = {"stored": stored.members, **values}
    texts = {when: {name: client.quote(each.get(name)) for name in COLUMNS} for when, each in values.items()}
    widths = {name: max(len(each[name]) for each in texts.values()) for name in COLUMNS}
    for when, each in texts.items():
        aligned = "  ".join(f"{name} {each[name]:<{widths[name]}}" for name in COLUMNS)
        yield f"    {when:<6}  {aligned}".rstrip()
