"""Upload one entry or many: parse, call, respond."""

import json
import logging
from http import HTTPStatus
from typing import Any, cast

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from timesheets import metrics
from timesheets.exceptions import Conflict, InvalidEntry, InvalidIdempotencyKey
from timesheets.serializers import parse_entry, represent_entry
from timesheets.storage.ingest import ingest_entries
from timesheets.storage.verdicts import Outcome
from timesheets.trust.principals import MachineClient
from timesheets.uploads.batches import upload_batch
from timesheets.uploads.body import read_upload
from timesheets.uploads.options import (
    UploadOptions,
    apply_idempotency_key,
    read_idempotency_key,
    read_options,
)

entries_logger = logging.getLogger("timesheets.entries")


class UploadView(APIView):
    """Upload one entry or many. Requires an access token with the scope `batch:upload`."""

    resource_path = "/timesheets/upload"
    required_scopes = frozenset({"batch:upload"})
    page_part = "timesheets/parts/upload.html"

    def get_view_name(self) -> str:
        return "Upload timesheets"

    def post(self, request: Request) -> Response:
        options = read_options(request)
        key = read_idempotency_key(request)
        upload = read_upload(request)
        client = cast("MachineClient", request.user)
        if upload.is_single:
            return _upload_one(client, apply_idempotency_key(upload.entries[0], key), options)
        if key is not None:
            raise InvalidIdempotencyKey("Idempotency-Key is for one entry. Give each entry an entry_id.")
        return _upload_many(client, upload.entries, options)


def _upload_one(client: MachineClient, members: dict[str, Any], options: UploadOptions) -> Response:
    try:
        entry = parse_entry(members)
    except InvalidEntry:
        _count_verdict(client, options, "invalid")
        raise
    commit_if = (lambda _: False) if options.dry_run else None
    [verdict] = ingest_entries(client, [entry], timezone.now(), commit_if=commit_if)
    _count_verdict(client, options, verdict.outcome.name.lower())
    timesheet_id = verdict.timesheet_id
    if verdict.outcome is Outcome.CONFLICT:
        raise Conflict(
            f"This entry_id belongs to timesheet {timesheet_id}, which differs and stays unchanged.",
            id=timesheet_id,
        )
    replayed = {"Idempotency-Replayed": "true"} if verdict.outcome is Outcome.EXISTING else {}
    if options.dry_run:
        return Response({**represent_entry(entry), "dry_run": True}, headers=replayed)
    stored = {"id": timesheet_id, **represent_entry(entry)}
    body = {**stored, "message": f"Created timesheet {timesheet_id} for employee {entry.user_id}"}
    if replayed:
        return Response(body, headers=replayed)
    entries_logger.info("%s", json.dumps(stored))
    return Response(body, status=HTTPStatus.CREATED)


def _count_verdict(client: MachineClient, options: UploadOptions, verdict: str) -> None:
    if options.dry_run:
        return
    metrics.count_entries({verdict: 1})
    if verdict in {"created", "existing"}:
        metrics.note_upload(client.client_id)


def _upload_many(client: MachineClient, values: list[Any], options: UploadOptions) -> Response:
    members = upload_batch(client, values, options, timezone.now())
    applied = {"Preference-Applied": "return=minimal"} if options.is_minimal else {}
    status = HTTPStatus.OK if options.dry_run else HTTPStatus.MULTI_STATUS
    return Response(members, status=status, headers=applied)
