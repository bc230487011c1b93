"""Withdraw the entries that one upload created (--withdraw)."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from itertools import islice

from timesheets_client.argument_values import MAX_BATCH_SIZE
from timesheets_client.context import RunContext
from timesheets_client.errors import ExitStatus, InputUnreadable, TemporaryFailure
from timesheets_client.output.report import WithdrawalOutcome
from timesheets_client.reading.entries import InputEntry
from timesheets_client.sending.batch_uploads import UploadMode, upload_batch
from timesheets_client.sending.batches import make_batches
from timesheets_client.sending.client import ApiClient
from timesheets_client.sending.corrections import ignore_revision, withdraw
from timesheets_client.sending.receipts import Receipt, find_receipt
from timesheets_client.sending.stored_entries import StoredEntry, list_entries
from timesheets_client.sending.verdicts import EntryVerdict

CORRECTED_SINCE = "was corrected since, so it stays; to withdraw it, send it with 0 hours and --correct"
# Withdraws nothing, and shows the current rows.
WHAT_IS_CURRENT = UploadMode(is_dry_run=True, lists_all=True, reason="withdrawn")
NO_ID = "has no entry_id, so it can never be corrected"


def withdraw_upload(context: RunContext, *, is_dry_run: bool = False) -> ExitStatus:
    """Withdraw, or with `is_dry_run` show what would be withdrawn. Raises an UploadError.

    It is safe to repeat: what is withdrawn gets no other revision.
    """
    report, upload = context.report, context.options.withdrawal or 0
    receipt = find_receipt(context.client, upload)
    if receipt is None:
        raise InputUnreadable(
            f"--withdraw {upload}: the API has no such upload of this client; --uploads lists the latest"
        )
    report.show(f"upload {upload}: {receipt.label or 'no label'}, received {receipt.received_at}")
    withdrawal = Withdrawal(context=context, upload=upload, is_dry_run=is_dry_run)
    try:
        withdrawal.withdraw(read_latest(context.client, upload, receipt))
    except BaseException:
        if not is_dry_run:
            report.show_partial_withdrawal(withdrawal.outcome)
        raise
    report.show_withdrawal(withdrawal.finish(), is_dry_run=is_dry_run)
    return ExitStatus.REJECTED if withdrawal.outcome.rejected else ExitStatus.DONE


def read_latest(client: ApiClient, upload: int, receipt: Receipt) -> list[StoredEntry]:
    """The rows that the upload created, but of each `entry_id` only the latest. Raises an UploadError."""
    rows = list(islice(list_entries(client, upload=str(upload)), MAX_BATCH_SIZE + 1))
    created = receipt.counts["created"]
    if len(rows) != created:
        raise TemporaryFailure(
            f"upload {upload}: it created {created} entries, and the API lists {len(rows)} of them; "
            "it lists all as soon as earlier uploads have ended; run it again later"
        )
    return list({row.entry_id or row.timesheet_id: row for row in rows}.values())


@dataclass(kw_only=True)
class Withdrawal:
    """Withdraws the entries of an upload and counts what becomes of them."""

    context: RunContext
    upload: int
    is_dry_run: bool
    outcome: WithdrawalOutcome = field(init=False)
    # What has a later revision than the upload created.
    _changed: list[InputEntry] = field(default_factory=list, init=False)
    start: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.outcome = WithdrawalOutcome(upload=self.upload)

    @property
    def _mode(self) -> UploadMode:
        return UploadMode(is_dry_run=self.is_dry_run, lists_all=True)

    def finish(self) -> WithdrawalOutcome:
        return replace(self.outcome, seconds=time.monotonic() - self.start)

    def withdraw(self, rows: Iterable[StoredEntry]) -> None:
        """Raises an UploadError."""
        context = self.context
        for batch in make_batches(self._take_candidates(rows), context.options.batch_size):
            with context.environment.signals.deferred():
                verdicts = upload_batch(context.client, batch, self._mode)
                self.outcome.uploads += verdicts.uploads
                for each in verdicts.listed:
                    self._count(each)
        for batch in make_batches(self._changed, context.options.batch_size):
            for each in upload_batch(context.client, batch, WHAT_IS_CURRENT).listed:
                self._count_changed(each)

    def _take_candidates(self, rows: Iterable[StoredEntry]) -> Iterator[InputEntry]:
        """The revisions that withdraw the rows. They correct nothing that was stored meanwhile."""
        for row in rows:
            self.outcome.entries += 1
            if row.entry_id is None:
                self._keep(f"{self._locate(row)}: {NO_ID}")
            elif row.is_withdrawn:
                self.outcome.existing += 1
            else:
                entry = withdraw(row, self._locate(row), self.context.options.reason or "")
                if row.is_superseded:
                    self._changed.append(ignore_revision(entry))
                else:
                    yield entry

    def _count(self, verdict: EntryVerdict) -> None:
        source = verdict.entry.source
        if verdict.status == HTTPStatus.CREATED:
            self.outcome.withdrawn += 1
            self.context.report.show_detail(f"{source}: {'would be ' * self.is_dry_run}withdrawn")
        elif verdict.status in (HTTPStatus.OK, HTTPStatus.CONFLICT):
            self._changed.append(ignore_revision(verdict.entry))
        else:
            self._keep(verdict.reject().describe())

    def _count_changed(self, verdict: EntryVerdict) -> None:
        """Count an entry that has a later revision: it may be withdrawn."""
        if verdict.status == HTTPStatus.OK or (verdict.was and float(verdict.was["hours"]) == 0):
            self.outcome.existing += 1
        else:
            self._keep(f"{verdict.entry.source}: {CORRECTED_SINCE}")

    def _keep(self, problem: str) -> None:
        self.outcome.rejected += 1
        self.context.report.show_problem(problem)

    def _locate(self, row: StoredEntry) -> str:
        quote = self.context.client.quote
        values = [row.members["user_id"], row.members["date"], *([row.entry_id] if row.entry_id else [])]
        return f"upload {self.upload}: timesheet {row.timesheet_id} ({', '.join(map(quote, values))})"
