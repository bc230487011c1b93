"""Many entries in one upload: ingested together, with a verdict for each."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from timesheets.parsers import MalformedEntry
from timesheets.serializers import EntryInvalid, parse_entry
from timesheets.storage.entries import Entry
from timesheets.storage.ingest import Outcome, Verdict, ingest_entries
from timesheets.trust.principals import MachineClient

_STATUS = {
    Outcome.CREATED: HTTPStatus.CREATED,
    Outcome.EXISTING: HTTPStatus.OK,
    Outcome.CONFLICT: HTTPStatus.CONFLICT,
}
_REJECTED = frozenset({HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.FAILED_DEPENDENCY})


@dataclass(frozen=True, kw_only=True)
class UploadOptions:
    """`atomic`: all or none; `dry_run`: store nothing; `is_minimal`: tell only what was rejected."""

    atomic: bool = False
    dry_run: bool = False
    is_minimal: bool = False


@dataclass(frozen=True, kw_only=True)
class BatchReport:
    """The answer's members, and whether the batch was refused as a whole."""

    members: Mapping[str, Any]
    is_refused: bool


def upload_batch(
    client: MachineClient, values: Sequence[Any], options: UploadOptions, received_at: datetime
) -> BatchReport:
    """Ingest what can be read of `values`, as parsers give them, and report on each."""
    read = [_read_entry(value) for value in values]
    entries = [entry for entry in read if isinstance(entry, Entry)]
    is_whole = len(entries) == len(read)

    def is_refused(verdicts: Sequence[Verdict]) -> bool:
        is_clean = is_whole and all(verdict.outcome is not Outcome.CONFLICT for verdict in verdicts)
        return options.atomic and not is_clean

    verdicts = ingest_entries(
        client,
        entries,
        received_at,
        commit_if=lambda verdicts: not options.dry_run and not is_refused(verdicts),
    )
    refused = is_refused(verdicts)
    items = list(_describe(read, verdicts, is_stored=not refused and not options.dry_run, is_refused=refused))
    return BatchReport(members=_summarize(items, options), is_refused=refused)


def _read_entry(value: Any) -> Entry | Mapping[str, Any]:
    """The entry, or its errors."""
    if isinstance(value, MalformedEntry):
        return {"non_field_errors": [value.reason]}
    try:
        return parse_entry(value)
    except EntryInvalid as error:
        return error.errors


def _describe(
    read: Sequence[Entry | Mapping[str, Any]],
    verdicts: Sequence[Verdict],
    *,
    is_stored: bool,
    is_refused: bool,
) -> Iterator[dict[str, Any]]:
    """The item of each entry, in order. An id is told only if its row is there once this is answered."""
    new_ids = {verdict.timesheet_id for verdict in verdicts if verdict.outcome is Outcome.CREATED}
    remaining = iter(verdicts)
    for index, entry in enumerate(read):
        if not isinstance(entry, Entry):
            yield {"index": index, "status": HTTPStatus.UNPROCESSABLE_ENTITY, "errors": entry}
            continue
        verdict = next(remaining)
        is_new = verdict.timesheet_id in new_ids
        if is_refused and is_new and verdict.outcome is not Outcome.CONFLICT:
            yield {"index": index, "status": HTTPStatus.FAILED_DEPENDENCY}
        elif is_new and not is_stored:
            yield {"index": index, "status": _STATUS[verdict.outcome]}
        else:
            yield {"index": index, "status": _STATUS[verdict.outcome], "id": verdict.timesheet_id}


def _summarize(items: Sequence[Mapping[str, Any]], options: UploadOptions) -> dict[str, Any]:
    counts = Counter(item["status"] for item in items)
    told = [item for item in items if not options.is_minimal or item["status"] in _REJECTED]
    members = {
        "received": len(items),
        "created": counts[HTTPStatus.CREATED],
        "existing": counts[HTTPStatus.OK],
        "rejected": sum(counts[status] for status in _REJECTED),
        "entries": told,
    }
    return {**members, "dry_run": True} if options.dry_run else members
