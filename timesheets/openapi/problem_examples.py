"""A problem for each of the codes that callers meet, as the API words it; the tests provoke each."""

from http import HTTPStatus
from typing import Any

from timesheets.bodies import LIMITS
from timesheets.fields import MomentField
from timesheets.openapi.examples import BATCH_REFUSED


def _problem(status: HTTPStatus, code: str, detail: str, **members: Any) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
        "code": code,
        **members,
        "request_id": "5fd4fcd0edce3fa80668a33f965e369c",
    }


_PROBLEMS = [
    _problem(
        HTTPStatus.BAD_REQUEST,
        "invalid_request",
        'Send one access token, in one header "Authorization: Bearer <token>".',
    ),
    _problem(HTTPStatus.BAD_REQUEST, "invalid_parameter", "Send atomic once, with the value true or false."),
    _problem(
        HTTPStatus.BAD_REQUEST,
        "invalid_idempotency_key",
        "Idempotency-Key is for one entry. Give each of many an entry_id.",
    ),
    _problem(
        HTTPStatus.BAD_REQUEST,
        "malformed_body",
        "The body is not JSON: expecting value, at line 1, column 1.",
    ),
    _problem(HTTPStatus.BAD_REQUEST, "malformed_header", "The first row does not name the columns hours."),
    _problem(HTTPStatus.UNAUTHORIZED, "not_authenticated", "Authentication credentials were not provided."),
    _problem(HTTPStatus.UNAUTHORIZED, "invalid_token", "The access token expired."),
    _problem(
        HTTPStatus.FORBIDDEN,
        "insufficient_scope",
        "The access token does not grant the scope this needs: batch:upload.",
    ),
    _problem(HTTPStatus.NOT_FOUND, "not_found", "This client has no timesheet 14."),
    _problem(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", 'Method "PUT" not allowed.'),
    _problem(HTTPStatus.NOT_ACCEPTABLE, "not_acceptable", "Could not satisfy the request Accept header."),
    _problem(
        HTTPStatus.CONFLICT,
        "conflict",
        "This entry_id stands for timesheet 14, whose content is another and stays.",
        id=14,
    ),
    _problem(
        HTTPStatus.LENGTH_REQUIRED,
        "length_required",
        "Send the body's length as a decimal number of bytes in Content-Length.",
    ),
    _problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too_large",
        "The body holds over 10000 entries. Send fewer at once.",
        limits=LIMITS,
    ),
    _problem(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "Send entries as application/json, application/x-ndjson or text/csv.",
    ),
    _problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid_entry",
        "The entry is not valid. Nothing was stored.",
        errors={
            "user_id": ["Not a valid string."],
            "date": [
                str(MomentField.default_error_messages["invalid"]),
            ],
            "project": ["This field is required."],
            "hours": ["Ensure this value is less than or equal to 24."],
            "comment": ["There is no such member."],
        },
    ),
    _problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "batch_refused",
        "At least one entry was refused, and all or none were asked for. Nothing was stored.",
        **BATCH_REFUSED,
    ),
    _problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        "throttled",
        "Too many of your requests are still sending their bodies. Send this one again later.",
    ),
    _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_server_error", "Server got itself in trouble."),
    _problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "issuer_unavailable",
        "The issuer's keys cannot be had, so the access token cannot be checked. Try again.",
    ),
    _problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "database_unavailable",
        "The database is busy or out of reach. Send the same again, with the same entry_id.",
    ),
]
PROBLEM_EXAMPLES = {problem["code"]: problem for problem in _PROBLEMS}
