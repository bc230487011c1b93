"""Upload one entry or many: parse, call, respond."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlsplit

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from timesheets import conf
from timesheets.exceptions import InvalidIdempotencyKey
from timesheets.parsers import MAX_BYTES, Upload
from timesheets.permissions import CORRECTION_SCOPE, UPLOAD_SCOPE
from timesheets.renderers import PageResponse, has_page
from timesheets.trust.principals import MachineClient, VerifiedToken
from timesheets.uploads.batches import upload_batch
from timesheets.uploads.body import read_upload
from timesheets.uploads.doubts import find_doubts
from timesheets.uploads.options import (
    UploadOptions,
    apply_idempotency_key,
    read_idempotency_key,
    read_options,
)
from timesheets.uploads.single import upload_entry


class UTF8Response(Response):
    """A response that does not look for its encoding in its headers, which costs as much as to render it."""

    charset = "utf-8"


class UploadView(APIView):
    """Upload one entry or many. Requires an access token with the scope `batch:upload`."""

    name = "Upload entries"
    required_scopes = frozenset({UPLOAD_SCOPE})
    # What some entries need besides.
    further_scopes = frozenset({CORRECTION_SCOPE})
    page_part = "timesheets/parts/upload.html"

    def post(self, request: Request) -> Response:
        options = read_options(request)
        key = read_idempotency_key(request)
        upload = read_upload(request, options.date_format, options.time_zone)
        client, token = cast("MachineClient", request.user), cast("VerifiedToken", request.auth)
        if upload.is_single:
            response = _upload_one(client, token, upload, key, options)
        elif key is not None:
            raise InvalidIdempotencyKey("Idempotency-Key is for one entry. Give each entry an entry_id.")
        else:
            response = _upload_many(client, token, upload, options)
        if options.dry_run and request.headers.get("Prefer") == "check":
            response.data["check"] = _check(client, upload, key, options, response.data)
        return response

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """The form, if a browser asks for it. A program gets 405, because there is nothing to read here."""
        if request.method in {"GET", "HEAD"} and has_page(request):
            return PageResponse(None, max_bytes=MAX_BYTES, time_zone=conf.time_zone().key)
        return super().http_method_not_allowed(request, *args, **kwargs)


def _upload_one(
    client: MachineClient,
    token: VerifiedToken,
    upload: Upload,
    key: str | None,
    options: UploadOptions,
) -> Response:
    value = apply_idempotency_key(upload.entries[0], key)
    members, is_replay = upload_entry(client, token, value, options, datetime.now(UTC))
    replayed = {"Idempotency-Replayed": "true"} if is_replay else {}
    status = HTTPStatus.OK if is_replay or options.dry_run else HTTPStatus.CREATED
    return UTF8Response(members, status=status, headers=replayed)


def _upload_many(
    client: MachineClient, token: VerifiedToken, upload: Upload, options: UploadOptions
) -> Response:
    members, upload_id = upload_batch(client, token, upload, options, datetime.now(UTC))
    headers = {"Preference-Applied": "return=minimal"} if options.is_minimal else {}
    if upload_id is not None:
        # Behind the same prefix as the public address (RFC 9110, section 10.2.2).
        headers["Location"] = urlsplit(conf.public_url(f"/uploads/{upload_id}")).path
    status = HTTPStatus.OK if options.dry_run else HTTPStatus.MULTI_STATUS
    return Response(members, status=status, headers=headers)


def _check(
    client: MachineClient, upload: Upload, key: str | None, options: UploadOptions, members: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What people should check in the entries that were not refused."""
    verdicts = members.get("entries", [{"status": HTTPStatus.OK}])
    accepted = [
        options.parse(apply_idempotency_key(value, key))
        for value, verdict in zip(upload.entries, verdicts, strict=True)
        if verdict["status"] in (HTTPStatus.OK, HTTPStatus.CREATED)
    ]
    return find_doubts(client.key, accepted, timezone.localdate(timezone=conf.time_zone()))
