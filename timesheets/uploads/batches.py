"""Upload many entries: ingest them in one transaction and report a verdict for each."""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from timesheets import metrics
from timesheets.exceptions import BatchRefused, InsufficientScope, InvalidEntry
from timesheets.logs import current_request_id
from timesheets.models import Upload as Receipt
from timesheets.parsers import MalformedEntry, Upload
from timesheets.permissions import log_refusal, may_send
from timesheets.storage.entries import ACCEPTED, Entry, Outcome, Verdict
from timesheets.storage.ingest import ingest_upload
from timesheets.trust.principals import MachineClient, VerifiedToken
from timesheets.uploads.gates import add_up, open_gate, require_totals
from timesheets.uploads.options import UploadOptions
from timesheets.uploads.refusals import describe_sent, list_refused
from timesheets.uploads.results import HELD_BACK, SCOPE_MISSING, Result, describe_outcome, describe_verdict

entries_logger = logging.getLogger("timesheets.entries")


def upload_batch(
    client: MachineClient,
    token: VerifiedToken,
    upload: Upload,
    options: UploadOptions,
    received_at: datetime,
) -> tuple[dict[str, Any], int | None]:
    """Ingest the valid entries of an upload and report on each.

    Returns the members of the response, and the id of the receipt: None if nothing was committed. Raises
    ControlTotalsDiffer, or BatchRefused, with the same members, if the batch is atomic and an entry failed.
    """
    parse = options.parse
    judged = [_judge(value, token, parse) for value in upload.entries]
    hours = add_up(upload.entries, judged)
    require_totals(options, len(judged), hours)
    entries = [entry for entry in judged if isinstance(entry, Entry)]

    def is_refused(verdicts: Sequence[Verdict]) -> bool:
        is_complete = len(entries) == len(judged)
        return options.atomic and not (
            is_complete and all(verdict.outcome in ACCEPTED for verdict in verdicts)
        )

    ingested = ingest_upload(
        client,
        entries,
        received_at,
        Receipt(
            label=options.label,
            token_id=token.token_id,
            request_id=current_request_id.get(),
            media_type=upload.media_type,
            byte_count=upload.byte_count,
            sha256=upload.sha256,
            received=len(judged),
            hours_received=hours,
        ),
        store=options.choose_store(token),
        commit_if=lambda verdicts: not options.dry_run and not is_refused(verdicts),
        list_refused=partial(list_refused, upload, judged),
        gate=open_gate(client, received_at),
    )
    refused = is_refused(ingested.verdicts)
    results = list(_build_results(judged, ingested.verdicts, dry_run=options.dry_run, is_refused=refused))
    if any(result.outcome is Outcome.INSUFFICIENT_SCOPE for result in results):
        log_refusal(token, InsufficientScope.default_code)
    members = _report(client, results, upload, options)
    if refused:
        raise BatchRefused(**members)
    return members, ingested.upload_id


def _judge(value: Any, token: VerifiedToken, parse: Callable[[Any], Entry]) -> Entry | Result:
    """The entry; if storage must not get it, its result."""
    if isinstance(value, MalformedEntry):
        return describe_outcome(Outcome.INVALID, errors={"non_field_errors": [value.reason]})
    try:
        entry = parse(value)
    except InvalidEntry as problem:
        return describe_outcome(Outcome.INVALID, errors=problem.members["errors"])
    return entry if may_send(entry, token) else SCOPE_MISSING


def _build_results(
    judged: Sequence[Entry | Result], verdicts: Sequence[Verdict], *, dry_run: bool, is_refused: bool
) -> Iterator[Result]:
    """One result per entry, in order. Only a row that exists after the response has its id in a result."""
    unstored_ids: set[int] = set()
    if dry_run or is_refused:
        unstored_ids = {verdict.timesheet_id for verdict in verdicts if verdict.outcome is Outcome.CREATED}
    remaining = iter(verdicts)
    for entry in judged:
        if not isinstance(entry, Entry):
            yield entry
            continue
        verdict = next(remaining)
        if is_refused and verdict.outcome in ACCEPTED and verdict.timesheet_id in unstored_ids:
            yield HELD_BACK
        else:
            yield describe_verdict(verdict, unstored_ids)


def _report(
    client: MachineClient, results: Sequence[Result], upload: Upload, options: UploadOptions
) -> dict[str, Any]:
    """Count and log the results. Returns the members of the response."""
    outcomes = Counter(result.outcome for result in results)
    if not options.dry_run:
        metrics.count_entries(client.client_id, outcomes)
    accepted = sum(outcomes[outcome] for outcome in ACCEPTED)
    counts = {
        "received": len(results),
        "created": outcomes[Outcome.CREATED],
        "existing": accepted - outcomes[Outcome.CREATED],
        "rejected": len(results) - accepted,
    }
    dry_run = {"dry_run": True} if options.dry_run else {}
    logged = {**counts, **dry_run, "atomic": options.atomic}
    entries_logger.info("%s", json.dumps(logged), extra={"fields": logged})
    listed = [
        {**_locate(index, result, upload, options), **result.members}
        for index, result in enumerate(results)
        if not options.is_minimal or result.outcome not in ACCEPTED
    ]
    return {**counts, "entries": listed, **dry_run}


def _locate(index: int, result: Result, upload: Upload, options: UploadOptions) -> dict[str, Any]:
    """The position of an entry; if it was refused, its place in the file and, in a dry run, its members."""
    place: dict[str, Any] = {"index": index}
    if result.outcome in ACCEPTED:
        return place
    if upload.lines:
        place["line"] = upload.lines[index]
    if upload.sheets:
        place["sheet"] = upload.sheets[index]
    if options.dry_run:
        place["entry"] = describe_sent(upload.entries[index])
    return place
