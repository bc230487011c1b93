"""Upload one entry: ingest it and report its verdict."""

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from timesheets import metrics
from timesheets.exceptions import InsufficientScope, InvalidEntry
from timesheets.permissions import CORRECTION_SCOPE, UPLOAD_SCOPE, log_refusal, may_send
from timesheets.serializers import represent_entry
from timesheets.storage.entries import ACCEPTED, Entry, Outcome, Verdict
from timesheets.storage.ingest import ingest_upload
from timesheets.trust.principals import MachineClient, VerifiedToken
from timesheets.uploads.gates import add_up, open_gate, require_totals
from timesheets.uploads.options import UploadOptions
from timesheets.uploads.results import PROBLEMS, SCOPE_ADVICE, describe_verdict, explain_conflict

entries_logger = logging.getLogger("timesheets.entries")


def upload_entry(
    client: MachineClient,
    token: VerifiedToken,
    value: Mapping[str, Any],
    options: UploadOptions,
    received_at: datetime,
) -> tuple[dict[str, Any], bool]:
    """Ingest the entry in a JSON object. Returns the members of the response, and if it was stored before.

    Raises ControlTotalsDiffer, InvalidEntry, InsufficientScope, Conflict, RevisionGap or TooManyRevisions.
    """
    entry = _judge(client, token, value, options)
    commit_if = (lambda _: False) if options.dry_run else None
    store = options.choose_store(token)
    gate = open_gate(client, received_at)
    ingested = ingest_upload(client, [entry], received_at, store=store, commit_if=commit_if, gate=gate)
    [verdict] = ingested.verdicts
    is_unstored = options.dry_run and verdict.outcome is Outcome.CREATED
    result = describe_verdict(verdict, {verdict.timesheet_id} if is_unstored else ())
    _count_verdict(client, options, result.outcome)
    members = {name: result.members[name] for name in result.members if name not in {"status", "code"}}
    if verdict.outcome not in ACCEPTED:
        _refuse(entry, token, verdict, members)
    is_replay = verdict.outcome is not Outcome.CREATED
    timesheet_id = members.pop("id", None)
    if "revision" in members:
        entry = entry._replace(revision=members["revision"])
    stored = {**represent_entry(entry), **members}
    if options.dry_run:
        return {**stored, "dry_run": True}, is_replay
    stored = {"id": timesheet_id, **stored}
    if not is_replay:
        # The access line of the request follows.
        entries_logger.info("%s", json.dumps(stored), extra={"is_followed": True})
    message = f"Created timesheet {timesheet_id} for employee {entry.user_id}"
    return {**stored, "message": message}, is_replay


def _judge(
    client: MachineClient, token: VerifiedToken, value: Mapping[str, Any], options: UploadOptions
) -> Entry:
    """The entry. Raises what it is refused for before storage gets it."""
    try:
        entry = options.parse(value)
    except InvalidEntry:
        # A variable for the exception would keep the body in memory, in a cycle with its traceback.
        _require_totals(options, value, None)
        _count_verdict(client, options, Outcome.INVALID)
        raise
    _require_totals(options, value, entry)
    if not may_send(entry, token):
        _count_verdict(client, options, Outcome.INSUFFICIENT_SCOPE)
        _refuse_correction(token)
    return entry


def _refuse_correction(token: VerifiedToken) -> NoReturn:
    log_refusal(token, InsufficientScope.default_code)
    raise InsufficientScope(frozenset({UPLOAD_SCOPE, CORRECTION_SCOPE}), SCOPE_ADVICE)


def _require_totals(options: UploadOptions, value: Mapping[str, Any], entry: Entry | None) -> None:
    if options.expect_entries is not None or options.expect_hours is not None:
        require_totals(options, 1, add_up([value], [entry]))


def _refuse(entry: Entry, token: VerifiedToken, verdict: Verdict, members: Mapping[str, Any]) -> NoReturn:
    if verdict.outcome is Outcome.INSUFFICIENT_SCOPE:
        _refuse_correction(token)
    detail = None
    if verdict.outcome is Outcome.CONFLICT:
        detail = explain_conflict(entry, verdict)
    elif verdict.outcome in {Outcome.REVISION_GAP, Outcome.TOO_MANY_REVISIONS}:
        [[words]] = members["errors"].values()
        detail = f"{words} Nothing was stored."
    raise PROBLEMS[verdict.outcome](detail, **members)


def _count_verdict(client: MachineClient, options: UploadOptions, outcome: Outcome) -> None:
    if not options.dry_run:
        metrics.count_entries(client.client_id, {outcome: 1})
