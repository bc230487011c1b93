"""Make the stored entries of some days equal to a file (--replace)."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from http import HTTPStatus

from timesheets_client.context import RunContext
from timesheets_client.errors import EntriesRejected, ExitStatus, TemporaryFailure
from timesheets_client.files.entries import show, take_entries
from timesheets_client.files.folders import open_locked
from timesheets_client.files.replaced_days import (
    MAX_NAMED,
    ZERO,
    Change,
    ReplacedDays,
    make_withdrawal,
    order_changes,
    read_change,
)
from timesheets_client.files.tally import Tally
from timesheets_client.files.uploads import reject_repeated
from timesheets_client.network.messages import make_printable
from timesheets_client.output.report import count_entries
from timesheets_client.reading.entries import InputEntry
from timesheets_client.sending.batches import make_batches
from timesheets_client.sending.uploads import UploadMode, make_label, upload_batch
from timesheets_client.sending.verdicts import EntryVerdict

CHANGES = ("created", "corrected", "restored", "withdrawn")


def replace_days(name: str, context: RunContext, *, is_dry_run: bool = False) -> ExitStatus:
    """Replace and report, or with `is_dry_run` show what would change. Raises an UploadError.

    It is safe to repeat. Nothing is stored unless everything can be.
    """
    with open_locked(name, context) as source, context.report.progress.follow(source.name):
        tally = Tally(source=source, report=context.report)
        changes = find_changes(tally, context)
        if not is_dry_run:
            send_changes(changes, tally, context)
    if is_dry_run:
        show_changes(changes, tally)
        return tally.show_check()
    return tally.show()


def show_changes(changes: Sequence[Change], tally: Tally) -> None:
    """Show each change, and what those of each kind add up to."""
    for each in changes:
        tally.report.show(each.describe("would be "))
    for word in CHANGES:
        chosen = [each for each in changes if each.word == word]
        tally.changes[word] = len(chosen)
        before = sum((each.before for each in chosen), ZERO)
        after = sum((each.after for each in chosen), ZERO)
        tally.report.show(f"{word}: {count_entries(len(chosen))}, {show(before)} -> {show(after)} hours")


def find_changes(tally: Tally, context: RunContext) -> Sequence[Change]:
    """The changes to send, in order. Raises EntriesRejected if a row or a withdrawal would be refused."""
    options, reason, client = context.options, context.options.reason or "", context.client
    days = ReplacedDays(*(options.replaced_days or ("", "")), client)
    with closing(take_entries(tally, options)) as taken:
        rows = days.take(reject_repeated(taken, tally), tally)
        changes = [read_change(each, reason, client) for each in find_storable(rows, reason, tally, context)]
    tally.changes |= {"restored": 0, "withdrawn": 0}
    tally.existing = tally.entries - len(changes)
    if tally.entries:
        withdrawals = [make_withdrawal(row, reason) for row in days.find_surplus()]
        require_small_loss(days, options.max_loss, tally)
        for _ in find_storable((each.decode() for each in withdrawals), "", tally, context):
            pass
        changes += withdrawals
        order_changes(changes, days.losses)
    return changes


def require_small_loss(days: ReplacedDays, max_loss: Decimal, tally: Tally) -> None:
    """Raise EntriesRejected if the employees lose a greater part of their hours: half a file must not."""
    name, losses = tally.source.name, days.losses
    for user, totals in sorted(days.found.items()):
        if user not in losses:
            stored = f"{count_entries(totals.entries)}, {show(totals.hours)} hours"
            person = make_printable(user)
            tally.report.show(f"{name}: {person} is not in the file and is left alone: {stored}")
    lost, found = sum(losses.values(), ZERO), sum((days.found[user].hours for user in losses), ZERO)
    if lost * 100 <= max_loss * found:
        return
    losers = sorted(filter(losses.get, losses), key=losses.__getitem__, reverse=True)[:MAX_NAMED]
    listed = (
        f"{make_printable(user)} has {show(days.file[user])} of {show(days.found[user].hours)}"
        for user in losers
    )
    share = f"{lost * 100 / found:.1f} % and more than {show(max_loss)} %"
    raise EntriesRejected(
        f"{name}: nothing was stored, because {show(lost)} of {show(found)} hours would be lost, which is "
        f"{share}: {'; '.join(listed)}; is it the whole export? If these hours must go, allow it with "
        "--max-loss"
    )


def find_storable(
    entries: Iterable[InputEntry], reason: str, tally: Tally, context: RunContext
) -> Iterator[EntryVerdict]:
    """The verdicts of a dry run on what would be stored. Raises EntriesRejected at the end if any is refused.

    With a `reason` the entries say what is current, else which revision they are.
    """
    mode = UploadMode(is_dry_run=True, lists_all=True, reason=reason)
    for batch in make_batches(entries, context.options.batch_size):
        for verdict in upload_batch(context.client, batch, mode).listed:
            if not reason:
                require_unchanged(verdict)
            if verdict.is_rejected:
                tally.reject(verdict.reject())
            elif verdict.status == HTTPStatus.CREATED:
                yield verdict
        tally.show_progress(len(batch))
    if tally.rejected:
        count = f"{tally.rejected} of {tally.entries}"
        raise EntriesRejected(
            f"{tally.source.name}: nothing was stored, because --replace needs every row, and {count} would "
            "be rejected; correct the file and run it again"
        )


def require_unchanged(verdict: EntryVerdict) -> None:
    """Raise TemporaryFailure if the API refuses what it would have stored before."""
    if verdict.status == HTTPStatus.CONFLICT:
        raise TemporaryFailure(
            f"{verdict.entry.source}: another sender changed the stored entry at the same time; run it again"
        )


def send_changes(changes: Sequence[Change], tally: Tally, context: RunContext) -> None:
    """Store the changes. Each carries the revision after the one that was read, so it overwrites no other."""
    mode = UploadMode(label=make_label(tally.file))
    done = 0
    try:
        for batch in make_batches((each.decode() for each in changes), context.options.batch_size):
            with context.environment.signals.deferred():
                verdicts = upload_batch(context.client, batch, mode)
                for verdict in verdicts.listed:
                    require_unchanged(verdict)
                    raise TemporaryFailure(f"{verdict.reject().describe()} Run it again.")
                tally.uploads += verdicts.uploads
                for each in changes[done : done + len(batch)]:
                    tally.changes[each.word] += 1
                    context.report.show_detail(each.describe())
                done += len(batch)
    except BaseException:
        context.report.show_problem(
            f"{tally.source.name}: {done} of {len(changes)} changes are stored; run it again for the rest"
        )
        raise
