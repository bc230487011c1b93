"""Withdraw the entries that one upload created (--withdraw)."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from http import HTTPStatus
from itertools import islice

from timesheets_client.argument_values import MAX_BATCH_SIZE
from timesheets_client.context import RunContext
from timesheets_client.errors import ExitStatus, InputUnreadable, TemporaryFailure
from timesheets_client.lists import find_receipt
from timesheets_client.output.report import count_entries, describe_uploads
from timesheets_client.reading.entries import InputEntry, ignore_revision
from timesheets_client.sending.batches import make_batches
from timesheets_client.sending.client import ApiClient
from timesheets_client.sending.stored_entries import PAGE_SIZE, StoredEntry, list_pages
from timesheets_client.sending.uploads import UploadMode, upload_batch
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
    report.show(f"upload {upload}: {receipt['label'] or 'no label'}, received {receipt['received_at']}")
    withdrawal = Withdrawal(context, upload, is_dry_run=is_dry_run)
    counts = withdrawal.counts
    try:
        withdrawal.withdraw(read_latest(context.client, upload, receipt["counts"]["created"]))
    except BaseException:
        if counts["withdrawn"] and not is_dry_run:
            report.show_problem(
                f"upload {upload}: {counts['withdrawn']} of its entries are withdrawn; "
                "running it again withdraws the rest"
            )
        raise
    finally:
        summary = withdrawal.finish()
    report.show(summary)
    return ExitStatus.REJECTED if counts["rejected"] else ExitStatus.DONE


def read_latest(client: ApiClient, upload: int, created: int) -> Sequence[StoredEntry]:
    """The rows that the upload created, but of each `entry_id` only the latest. Raises an UploadError."""
    pages = list_pages(client, {"upload": str(upload), "page_size": str(PAGE_SIZE)})
    rows = list(islice((row for page, _ in pages for row in page), MAX_BATCH_SIZE + 1))
    if len(rows) != created:
        raise TemporaryFailure(
            f"upload {upload}: it created {created} entries, and the API lists {len(rows)} of them; "
            "it lists all as soon as earlier uploads have ended; run it again later"
        )
    return list({row.entry_id or row.timesheet_id: row for row in rows}.values())


class Withdrawal:
    """Withdraws the entries of an upload and counts what becomes of them."""

    def __init__(self, context: RunContext, upload: int, *, is_dry_run: bool) -> None:
        self._context, self._upload, self._is_dry_run = context, upload, is_dry_run
        self._start = time.monotonic()
        # What has a later revision than the upload created.
        self._changed: list[InputEntry] = []
        # `existing` counts those that already were withdrawn.
        self.counts = dict.fromkeys(("entries", "withdrawn", "existing", "rejected"), 0)
        # Those that withdraw the entries.
        self._uploads: list[int] = []

    def withdraw(self, rows: Iterable[StoredEntry]) -> None:
        """Withdraw what an upload created, or raise an UploadError."""
        mode = UploadMode(is_dry_run=self._is_dry_run, lists_all=True)
        self._send(self._take_candidates(rows), mode, self._judge)
        self._send(self._changed, WHAT_IS_CURRENT, self._judge_changed)

    def _send(
        self, entries: Iterable[InputEntry], mode: UploadMode, judge: Callable[[EntryVerdict], None]
    ) -> None:
        for batch in make_batches(entries, self._context.options.batch_size):
            with self._context.environment.signals.deferred():
                verdicts = upload_batch(self._context.client, batch, mode)
                self._uploads += verdicts.uploads
                for each in verdicts.listed:
                    judge(each)

    def _judge(self, verdict: EntryVerdict) -> None:
        if verdict.status == HTTPStatus.CREATED:
            self.counts["withdrawn"] += 1
            would_be = "would be " * self._is_dry_run
            self._context.report.show_detail(f"{verdict.entry.source}: {would_be}withdrawn")
        elif verdict.status in (HTTPStatus.OK, HTTPStatus.CONFLICT):
            self._changed.append(ignore_revision(verdict.entry))
        else:
            self._keep(verdict.reject().describe())

    def _judge_changed(self, verdict: EntryVerdict) -> None:
        if verdict.status == HTTPStatus.OK or (verdict.was and float(verdict.was["hours"]) == 0):
            self.counts["existing"] += 1
        else:
            self._keep(f"{verdict.entry.source}: {CORRECTED_SINCE}")

    def finish(self) -> str:
        """Let --json print the counts. Returns a summary."""
        seconds, counts = time.monotonic() - self._start, self.counts
        outcome = {"upload": self._upload, **counts, "seconds": round(seconds, 3), "uploads": self._uploads}
        self._context.report.results["withdrawal"] = outcome
        end = f" in {seconds:.1f} s{describe_uploads(self._uploads)}"
        return (
            f"upload {self._upload}: {count_entries(counts['entries'])}, "
            f"{counts['withdrawn']} {'would be ' * self._is_dry_run}withdrawn, "
            f"{counts['existing']} already withdrawn, {counts['rejected']} not withdrawn"
            f"{'; nothing was stored (--check)' if self._is_dry_run else end}"
        )

    def _take_candidates(self, rows: Iterable[StoredEntry]) -> Iterator[InputEntry]:
        """The revisions that withdraw the rows."""
        for row in rows:
            values = [row.members["user_id"], row.members["date"], *([row.entry_id] if row.entry_id else [])]
            quoted = ", ".join(map(self._context.client.quote, values))
            source = f"upload {self._upload}: timesheet {row.timesheet_id} ({quoted})"
            entry = row.withdraw(source, self._context.options.reason or "")
            self.counts["entries"] += 1
            if row.entry_id is None:
                self._keep(f"{source}: {NO_ID}")
            elif row.members["hours"] == 0:
                self.counts["existing"] += 1
            elif row.is_superseded:
                self._changed.append(ignore_revision(entry))
            else:
                yield entry

    def _keep(self, problem: str) -> None:
        self.counts["rejected"] += 1
        self._context.report.show_problem(problem)
