"""The API's addresses: parse, call, respond."""

import json
import logging
import re
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from timesheets import conf
from timesheets.exceptions import Conflict, InvalidIdempotencyKey, InvalidParameter
from timesheets.ingest import Outcome, Verdict, ingest_entries
from timesheets.parsers import read_entry
from timesheets.principals import MachineClient
from timesheets.serializers import ENTRY_ID, parse_entry, represent_timesheet

entries_logger = logging.getLogger("timesheets.entries")

_QUOTED = re.compile(r'"(.*)"', re.DOTALL)


class UploadView(APIView):
    """Upload a timesheet entry. Needs an access token with the scope `batch:upload`."""

    resource_path = "/timesheets/upload"
    required_scopes = frozenset({"batch:upload"})

    def get_view_name(self) -> str:
        return "Upload timesheets"

    def post(self, request: Request) -> Response:
        _refuse_parameters(request)
        key = _read_idempotency_key(request)
        entry = parse_entry(_apply_idempotency_key(read_entry(request), key))
        [verdict] = ingest_entries(cast("MachineClient", request.user), [entry], timezone.now())
        return _answer(verdict)


@require_safe
def describe_protected_resource(_request: HttpRequest) -> HttpResponse:
    """Tell a client where tokens for the upload come from (RFC 9728 section 2)."""
    return JsonResponse(
        {
            "resource": conf.public_url(UploadView.resource_path),
            "authorization_servers": [conf.issuer().url],
            "scopes_supported": sorted(UploadView.required_scopes),
            "bearer_methods_supported": ["header"],
        },
        headers={"Cache-Control": "public, max-age=3600"},
    )


def _refuse_parameters(request: Request) -> None:
    if request.query_params:
        raise InvalidParameter("This address takes no query parameters.")


def _read_idempotency_key(request: Request) -> str | None:
    """The key, bare or as a quoted string (draft-ietf-httpapi-idempotency-key-header section 2.1)."""
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return None
    quoted = _QUOTED.fullmatch(given)
    key = quoted[1] if quoted else given
    if not ENTRY_ID.fullmatch(key):
        raise InvalidIdempotencyKey(
            "Send 1 to 128 of the characters A-Z a-z 0-9 . _ : - in Idempotency-Key, bare or in quotes."
        )
    return key


def _apply_idempotency_key(members: dict[str, Any], key: str | None) -> dict[str, Any]:
    """Let the key serve as the entry's `entry_id`."""
    if key is None:
        return members
    entry_id = members.get("entry_id")
    if entry_id is None:
        return {**members, "entry_id": key}
    if entry_id != key:
        raise InvalidIdempotencyKey(
            "Idempotency-Key and the entry's entry_id differ. Send one, or equal ones."
        )
    return members


def _answer(verdict: Verdict) -> Response:
    timesheet = verdict.timesheet
    if verdict.outcome is Outcome.CONFLICT:
        raise Conflict(
            f"This entry_id stands for timesheet {timesheet.pk}, whose content is another and stays.",
            id=timesheet.pk,
        )
    members = represent_timesheet(timesheet)
    body = {**members, "message": f"Created timesheet {timesheet.pk} for employee {timesheet.user_id}"}
    if verdict.outcome is Outcome.EXISTING:
        return Response(body, headers={"Idempotency-Replayed": "true"})
    entries_logger.info("%s", json.dumps(members))
    return Response(body, status=status.HTTP_201_CREATED)
