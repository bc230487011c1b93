"""Upload many entries: ingest them in one transaction and report a verdict for each."""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

from timesheets import metrics
from timesheets.exceptions import BatchRefused, InvalidEntry
from timesheets.parsers import MalformedEntry
from timesheets.serializers import parse_entry
from timesheets.storage.entries import Entry
from timesheets.storage.ingest import ingest_entries
from timesheets.storage.verdicts import Outcome, Verdict
from timesheets.trust.principals import MachineClient
from timesheets.uploads.options import UploadOptions

entries_logger = logging.getLogger("timesheets.entries")

_STATUS = {
    Outcome.CREATED: HTTPStatus.CREATED,
    Outcome.EXISTING: HTTPStatus.OK,
    Outcome.CONFLICT: HTTPStatus.CONFLICT,
}
_VERDICTS = {
    HTTPStatus.CREATED: "created",
    HTTPStatus.OK: "existing",
    HTTPStatus.CONFLICT: "conflict",
    HTTPStatus.UNPROCESSABLE_ENTITY: "invalid",
    HTTPStatus.FAILED_DEPENDENCY: "refused_with_batch",
}
_REJECTED = frozenset({HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.FAILED_DEPENDENCY})


def upload_batch(
    client: MachineClient, values: Sequence[Any], options: UploadOptions, received_at: datetime
) -> Mapping[str, Any]:
    """Ingest the valid entries among a parser's `values` and return the members of the response.

    Raises BatchRefused, with the same members, if the batch is atomic and an entry failed.
    """
    parsed = [_parse(value) for value in values]
    entries = [entry for entry in parsed if isinstance(entry, Entry)]

    def is_refused(verdicts: Sequence[Verdict]) -> bool:
        has_conflict = any(verdict.outcome is Outcome.CONFLICT for verdict in verdicts)
        return options.atomic and (has_conflict or len(entries) < len(parsed))

    verdicts = ingest_entries(
        client,
        entries,
        received_at,
        commit_if=lambda verdicts: not options.dry_run and not is_refused(verdicts),
    )
    refused = is_refused(verdicts)
    results = list(_build_results(parsed, verdicts, dry_run=options.dry_run, is_refused=refused))
    statuses = Counter(result["status"] for result in results)
    counts = _count(statuses)
    if not options.dry_run:
        metrics.count_entries({_VERDICTS[status]: count for status, count in statuses.items()})
        if counts["created"] or counts["existing"]:
            metrics.note_upload(client.client_id)
    dry_run = {"dry_run": True} if options.dry_run else {}
    logged = {**counts, **dry_run, "atomic": options.atomic}
    entries_logger.info("%s", json.dumps(logged), extra={"fields": logged})
    listed = [result for result in results if not options.is_minimal or result["status"] in _REJECTED]
    members: dict[str, Any] = {**counts, "entries": listed, **dry_run}
    if refused:
        raise BatchRefused(**members)
    return members


def _parse(value: Any) -> Entry | Mapping[str, Any]:
    """The entry, or its errors."""
    if isinstance(value, MalformedEntry):
        return {"non_field_errors": [value.reason]}
    try:
        return parse_entry(value)
    except InvalidEntry as problem:
        errors: Mapping[str, Any] = problem.members["errors"]
        return errors


def _build_results(
    parsed: Sequence[Entry | Mapping[str, Any]],
    verdicts: Sequence[Verdict],
    *,
    dry_run: bool,
    is_refused: bool,
) -> Iterator[dict[str, Any]]:
    """One result per entry, in order. Only a row that exists after the response has its id in a result."""
    new_ids = {verdict.timesheet_id for verdict in verdicts if verdict.outcome is Outcome.CREATED}
    remaining = iter(verdicts)
    for index, entry in enumerate(parsed):
        if not isinstance(entry, Entry):
            yield {"index": index, "status": HTTPStatus.UNPROCESSABLE_ENTITY, "errors": entry}
            continue
        verdict = next(remaining)
        result = {"index": index, "status": _STATUS[verdict.outcome]}
        if verdict.timesheet_id not in new_ids or not (dry_run or is_refused):
            result["id"] = verdict.timesheet_id
        elif is_refused and verdict.outcome is not Outcome.CONFLICT:
            result["status"] = HTTPStatus.FAILED_DEPENDENCY
        yield result


def _count(statuses: Counter[int]) -> dict[str, int]:
    return {
        "received": statuses.total(),
        "created": statuses[HTTPStatus.CREATED],
        "existing": statuses[HTTPStatus.OK],
        "rejected": sum(statuses[status] for status in _REJECTED),
    }
