"""Make the stored entries of some days equal to a file (--replace)."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from http import HTTPStatus
from itertools import islice

from timesheets_client.context import RunContext
from timesheets_client.errors import EntriesRejected, ExitStatus, TemporaryFailure
from timesheets_client.files.changes import Change, describe_sums, order_changes, read_change, withdraw
from timesheets_client.files.corrections import reject_repeated
from timesheets_client.files.locks import open_locked
from timesheets_client.files.replaced_days import Stored, read_stored, reject_strays, require_small_loss
from timesheets_client.files.tally import Tally, take_entries
from timesheets_client.reading.entries import InputEntry
from timesheets_client.sending.batch_uploads import UploadMode, make_label, upload_batch
from timesheets_client.sending.batches import make_batches
from timesheets_client.sending.verdicts import EntryVerdict


def replace_days(name: str, context: RunContext, *, is_dry_run: bool = False) -> ExitStatus:
    """Replace and report, or with `is_dry_run` show what would change. Raises an UploadError.

    It is safe to repeat. Nothing is stored unless everything can be.
    """
    report = context.report
    with open_locked(name, context) as source, report.progress.follow(source.name):
        tally = Tally(source=source, report=report, is_strict=False)
        tally.outcome.restored = tally.outcome.withdrawn = 0
        entries = read_rows(tally, context)
        if entries:
            stored = read_stored(entries, context)
            for line in stored.describe_others():
                report.show(f"{source.name}: {line}")
            require_small_loss(stored, context.options.max_loss, source.name)
            changes = find_changes(entries, stored, tally, context)
            if is_dry_run:
                show_changes(changes, stored, tally)
            else:
                send_changes(changes, tally, context)
    outcome = tally.finish()
    if is_dry_run:
        report.outcomes.append(outcome)
        report.show(f"ok       {source.name}: {outcome.entries} entries; nothing was stored (--check)")
    else:
        report.show_file(outcome)
    return ExitStatus.DONE


def read_rows(tally: Tally, context: RunContext) -> Sequence[InputEntry]:
    """All entries of the file. Raises EntriesRejected if a row is wrong."""
    with closing(take_entries(tally, context.options)) as taken:
        entries = list(reject_repeated(taken, tally))
    reject_strays(entries, tally, context)
    require_all_right(tally)
    return entries


def require_all_right(tally: Tally) -> None:
    if tally.is_faulty:
        count = f"{tally.outcome.rejected} of {tally.outcome.entries}"
        raise EntriesRejected(
            f"{tally.source.name}: nothing was stored, because --replace needs every row, and {count} would "
            "be rejected; correct the file and run it again"
        )


def find_changes(
    entries: Sequence[InputEntry], stored: Stored, tally: Tally, context: RunContext
) -> Sequence[Change]:
    """What must be sent, in that order. Raises EntriesRejected if the API would refuse any of it."""
    reason = context.options.reason or ""
    plan = UploadMode(is_dry_run=True, lists_all=True, reason=reason)
    verdicts = upload_all(entries, plan, context)
    changes = [read_change(each, reason) for each in verdicts if take_accepted(each, tally)]
    # A row and its change would take the memory twice.
    while stored.surplus:
        changes.append(withdraw(stored.surplus.pop(), reason))
    withdrawals = [each.entry for each in changes if each.word == "withdrawn"]
    for each in upload_all(withdrawals, replace(plan, reason=""), context):
        require_unchanged(each)
        take_accepted(each, tally)
    require_all_right(tally)
    tally.outcome.existing = tally.outcome.entries - len(changes) + len(withdrawals)
    return order_changes(changes, stored.losses)


def upload_all(
    entries: Sequence[InputEntry], mode: UploadMode, context: RunContext
) -> Iterator[EntryVerdict]:
    for batch in make_batches(entries, context.options.batch_size):
        with context.environment.signals.deferred():
            yield from upload_batch(context.client, batch, mode).listed
        context.report.progress.advance(len(batch), None)


def take_accepted(verdict: EntryVerdict, tally: Tally) -> bool:
    """Whether the entry would be stored. Rejects what the API would refuse."""
    if verdict.is_rejected:
        tally.reject(verdict.reject())
    return verdict.status == HTTPStatus.CREATED


def require_unchanged(verdict: EntryVerdict) -> None:
    """Raise TemporaryFailure if the API refuses what it would have stored before."""
    if verdict.status == HTTPStatus.CONFLICT:
        raise TemporaryFailure(
            f"{verdict.entry.source}: somebody else changed the stored entry at the same time; run it again"
        )


def show_changes(changes: Sequence[Change], stored: Stored, tally: Tally) -> None:
    for each in changes:
        tally.outcome.count(each.word)
    tally.report.show_lines(each.describe("would be ") for each in changes)
    tally.report.show_lines(describe_sums(changes, tally.outcome.existing, stored.file))


def send_changes(changes: Sequence[Change], tally: Tally, context: RunContext) -> None:
    """Store the changes. Each carries the revision after the one that was read, so it overwrites no other."""
    mode = UploadMode(label=make_label(tally.outcome.file))
    outcome, rest = tally.outcome, iter(changes)
    try:
        for batch in make_batches((each.entry for each in changes), context.options.batch_size):
            with context.environment.signals.deferred():
                verdicts = upload_batch(context.client, batch, mode)
                for verdict in verdicts.listed:
                    require_unchanged(verdict)
                    raise TemporaryFailure(f"{verdict.reject().describe()} Run it again.")
                outcome.uploads += verdicts.uploads
                for each in islice(rest, len(batch)):
                    outcome.count(each.word)
                    context.report.show_detail(each.describe())
    except BaseException:
        done = len(changes) - sum(1 for _ in rest)
        context.report.show_problem(
            f"{tally.source.name}: {done} of {len(changes)} changes are stored; run it again for the rest"
        )
        raise
