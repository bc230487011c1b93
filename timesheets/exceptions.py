"""The errors of the API, and the one handler that writes them as problem documents (RFC 9457)."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from rest_framework import exceptions
from rest_framework.response import Response

from timesheets import conf
from timesheets.logs import current_request_id
from timesheets.storage.availability import explain_failure, is_database_failure
from timesheets.storage.places import NoPlace

PROBLEM_MEDIA_TYPE = "application/problem+json"
METADATA_PATH = "/.well-known/oauth-protected-resource"

logger = logging.getLogger(__name__)


class Problem(exceptions.APIException):
    """An error with its status, its code, and the additional members of its body.

    With `wait`, the caller is to try again after so many seconds. `challenge` has the parameters of
    WWW-Authenticate (RFC 6750, section 3.1).
    """

    wait: int | None = None
    challenge: Mapping[str, str] | None = None

    def __init__(self, detail: str | None = None, *, wait: int | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.challenge = members.pop("challenge", self.challenge)
        self.members = members
        self.wait = wait or self.wait


class InsufficientScope(Problem):
    """The token is valid but lacks at least one of the required scopes (RFC 6750, section 3.1)."""

    status_code = HTTPStatus.FORBIDDEN
    default_code = "insufficient_scope"

    def __init__(self, required_scopes: frozenset[str], detail: str | None = None) -> None:
        scope = " ".join(sorted(required_scopes))
        detail = detail or f"The access token does not grant the required scope: {scope}."
        super().__init__(detail, challenge={"error": self.default_code, "scope": scope})


def _define(status: int, code: str, detail: str = "", **attributes: Any) -> type[Problem]:
    """The class of a problem. If it has no detail, pass one when you raise it."""
    attributes |= {"status_code": status, "default_code": code, "default_detail": detail}
    return type(code, (Problem,), attributes)


# The credentials are malformed (RFC 6750, section 3.1).
InvalidRequest = _define(
    400,
    "invalid_request",
    'Send one access token, in one header "Authorization: Bearer <token>".',
    challenge={"error": "invalid_request"},
)
# Pass the detail, which never has text from the token, and the challenge.
InvalidToken = _define(401, "invalid_token")
InvalidParameter = _define(400, "invalid_parameter")
UnsettledState = _define(
    400,
    "invalid_parameter",
    "as_of: Send the id of a stored entry. There may still be new entries up to this id.",
)
InvalidIdempotencyKey = _define(400, "invalid_idempotency_key")
MalformedBody = _define(400, "malformed_body")
MalformedHeader = _define(400, "malformed_header")
TooManyGroups = _define(
    400,
    "too_many_groups",
    "There are more than 10,000 groups. Send more filters, or group by something else.",
)
IncompleteBody = _define(
    400, "incomplete_body", "The body is shorter than Content-Length says. Nothing was stored."
)
CsrfFailed = _define(
    403,
    "csrf_failed",
    "This request does not come from a current page of this site. Reload the page and try again.",
)
ClientStopped = _define(
    403,
    "client_stopped",
    "The operator of this API has stopped this client. Ask the operator to start it again.",
)
OrganizationUnassigned = _define(
    403,
    "organization_unassigned",
    "The access token names an organization, and this client has entries from before it did. "
    "Ask the operator of this API to decide which organization these entries belong to.",
)
Conflict = _define(409, "conflict")
# The entry corrects a revision that does not exist yet.
RevisionGap = _define(409, "revision_gap")
TooManyRevisions = _define(409, "too_many_revisions")
LengthRequired = _define(
    411, "length_required", "Send the body's length as a decimal number of bytes in Content-Length."
)
TooLarge = _define(413, "too_large")
UnsupportedMediaType = _define(415, "unsupported_media_type")
InvalidEntry = _define(422, "invalid_entry", "The entry is not valid. Nothing was stored.")
# The order of day and month is in doubt for a whole file.
DateOrder = _define(422, "date_order")
NotAssigned = _define(422, "not_assigned", "The client may not add these hours. Nothing was stored.")
OutsideWindow = _define(
    422, "outside_window", "The day is too long ago, or too far ahead. Nothing was stored."
)
ControlTotalsDiffer = _define(
    422,
    "control_totals",
    "The upload differs from the totals that were announced. Nothing was stored. "
    "Compare it with its source, and send it whole.",
)
BatchRefused = _define(
    422, "batch_refused", "At least one entry was refused, and the batch is atomic. Nothing was stored."
)
Throttled = _define(
    429,
    "throttled",
    "Too many of your requests are still sending their bodies. Send this one again later.",
    wait=5,
)
IssuerUnavailable = _define(
    503,
    "issuer_unavailable",
    "The issuer's keys are unavailable, so the token cannot be verified. Try again later.",
)
DatabaseUnavailable = _define(
    503,
    "database_unavailable",
    "The database is busy or unreachable. Send the request again, with the same entry_id.",
    wait=5,
)
# A probe of `/readyz` failed. The member `failing` names the checks.
NotReady = _define(503, "not_ready", "This process cannot serve now. Its log says why.", wait=5)
Overloaded = _define(
    503,
    "overloaded",
    "Too many uploads arrive at once. Nothing was stored. Send the request again later.",
    wait=5,
)


def make_sentence(text: str) -> str:
    """A message of the reader of files in the form of the API's own."""
    return f"{text[:1].upper()}{text[1:]}."


# RFC 9110 renamed these statuses. Python 3.13 follows it, older versions do not.
_RENAMED = {413: "Content Too Large", 422: "Unprocessable Content"}


def find_reason_phrase(status: int) -> str:
    """The reason phrase of a status in RFC 9110, section 15, on every Python version."""
    return _RENAMED.get(status) or HTTPStatus(status).phrase


def describe_problem(status: int, detail: str, code: str, members: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a problem document (RFC 9457, section 3). Clients act on `code`, which is stable."""
    return {
        "type": "about:blank",
        "title": find_reason_phrase(status),
        "status": int(status),
        "detail": detail,
        "code": code,
        **members,
        "request_id": current_request_id.get(),
    }


def problem_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's response to an error, with a problem document as its body. None for a bug, which is a 500."""
    # DRF's views import the classes that its settings name, and those classes import this module.
    from rest_framework.views import exception_handler

    if is_database_failure(exc):
        logger.error("The database failed: %s", explain_failure(exc))
        exc = DatabaseUnavailable()
    elif isinstance(exc, NoPlace):
        exc = Overloaded()
    response = exception_handler(exc, context)
    if response is None:
        return None
    # Django's Http404 and PermissionDenied have no code.
    status = response.status_code
    code = getattr(exc, "default_code", HTTPStatus(status).name.lower())
    members = getattr(exc, "members", {})
    response.data = describe_problem(status, response.data["detail"], code, members)
    challenge = {} if isinstance(exc, exceptions.NotAuthenticated) else getattr(exc, "challenge", None)
    if challenge is not None:
        # RFC 6750, section 3, and RFC 9728, section 5.1.
        metadata = conf.public_url(f"{METADATA_PATH}{context['request'].path_info}")
        parameters = {"realm": "timesheets", **challenge, "resource_metadata": metadata}
        words = ", ".join(f'{name}="{value}"' for name, value in parameters.items())
        response["WWW-Authenticate"] = f"Bearer {words}"
    renderer = getattr(context["request"], "accepted_renderer", None)
    if renderer is None or renderer.format in {"json", "csv"}:
        response.content_type = PROBLEM_MEDIA_TYPE
    return response
