"""The problems that the API answers with (RFC 9457), by status, with their codes and headers."""

from dataclasses import dataclass, field
from typing import Any

from timesheets.bodies import LIMITS
from timesheets.exceptions import PROBLEM_MEDIA_TYPE
from timesheets.openapi.answers import DRY_REPORT
from timesheets.openapi.problem_examples import PROBLEM_EXAMPLES
from timesheets.openapi.schemas import Schema, describe_object, refer_to


@dataclass(frozen=True, kw_only=True)
class ProblemAnswer:
    """One status and all that its bodies can say; `members` come beside those that every problem has."""

    status: int
    name: str
    description: str
    codes: tuple[str, ...]
    members: dict[str, Schema] = field(default_factory=dict)
    headers: tuple[str, ...] = ()


PROBLEM_ANSWERS = [
    ProblemAnswer(
        status=400,
        name="BadRequest",
        description=(
            "The request cannot be read: the credentials are broken (that comes with a challenge), a "
            "parameter or header is not what it can be, or the body is malformed or not whole."
        ),
        codes=(
            "invalid_request",
            "invalid_parameter",
            "invalid_idempotency_key",
            "malformed_body",
            "malformed_header",
            "incomplete_body",
            "bad_request",
        ),
        headers=("WWW-Authenticate",),
    ),
    ProblemAnswer(
        status=401,
        name="Unauthorized",
        description="There is no access token, or one that cannot be trusted. The challenge says which.",
        codes=("not_authenticated", "invalid_token"),
        headers=("WWW-Authenticate",),
    ),
    ProblemAnswer(
        status=403,
        name="Forbidden",
        description=(
            "The token is good, but does not grant the scope that this needs, which the challenge names; or "
            "a browser that is signed in wants to write, but not from a page of this site."
        ),
        codes=("insufficient_scope", "csrf_failed"),
        headers=("WWW-Authenticate",),
    ),
    ProblemAnswer(status=404, name="NotFound", description="There is no such thing.", codes=("not_found",)),
    ProblemAnswer(
        status=405,
        name="MethodNotAllowed",
        description="There is no such method here. `Allow` names those that are.",
        codes=("method_not_allowed",),
        headers=("Allow",),
    ),
    ProblemAnswer(
        status=406,
        name="NotAcceptable",
        description="`Accept` names no media type that this can answer with.",
        codes=("not_acceptable",),
    ),
    ProblemAnswer(
        status=409,
        name="Conflict",
        description="The entry's `entry_id` stands for other content, which stays; `id` tells where.",
        codes=("conflict",),
        members={"id": {"type": "integer", "minimum": 1}},
    ),
    ProblemAnswer(
        status=411,
        name="LengthRequired",
        description="The request does not say how long its body is, so none could tell whether it is whole.",
        codes=("length_required",),
    ),
    ProblemAnswer(
        status=413,
        name="TooLarge",
        description="The body holds more than is taken at once. Send it in parts.",
        codes=("too_large",),
        members={
            "limits": describe_object(
                "The most that is taken at once.",
                {name: {"const": limit} for name, limit in LIMITS.items()},
            )
        },
    ),
    ProblemAnswer(
        status=415,
        name="UnsupportedMediaType",
        description="The body is of a media type, encoding or charset that is not read here.",
        codes=("unsupported_media_type",),
    ),
    ProblemAnswer(
        status=422,
        name="Refused",
        description=(
            "The entry is not valid, and `errors` says all that is wrong; or one of many was refused with "
            "`atomic`, and `entries` has the verdicts. Nothing was stored."
        ),
        codes=("invalid_entry", "batch_refused"),
        members={"errors": refer_to("Errors"), **DRY_REPORT["properties"]},
    ),
    ProblemAnswer(
        status=429,
        name="Throttled",
        description=(
            "Too many of this client's requests are still sending their bodies. "
            "Send the same again after `Retry-After` seconds."
        ),
        codes=("throttled",),
        headers=("Retry-After",),
    ),
    ProblemAnswer(
        status=500,
        name="Bug",
        description="A bug of the API's. Its log has more beside the `request_id`.",
        codes=("internal_server_error",),
    ),
    ProblemAnswer(
        status=503,
        name="Unavailable",
        description=(
            "The issuer's keys cannot be had, or the database is busy or lost, so nothing can be said. "
            "Send the same again after `Retry-After` seconds."
        ),
        codes=("issuer_unavailable", "database_unavailable"),
        headers=("Retry-After",),
    ),
]


def describe_problem_schemas() -> Schema:
    """The schema of every problem, and one for each status."""
    every = {
        "type": {"const": "about:blank"},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"enum": [answer.status for answer in PROBLEM_ANSWERS]},
        "detail": {"type": "string", "description": "What is wrong and what to do, for people."},
        "code": {
            "enum": sorted({code for answer in PROBLEM_ANSWERS for code in answer.codes}),
            "description": "The stable name of what is wrong, to act on.",
        },
        "request_id": {"type": "string", "description": "What the API's log has beside this."},
    }
    problem = describe_object("What is wrong, as RFC 9457 has it.", every)
    return {"Problem": problem, **{answer.name: _narrow(answer) for answer in PROBLEM_ANSWERS}}


def _narrow(answer: ProblemAnswer) -> Schema:
    properties = {"status": {"const": answer.status}, "code": {"enum": list(answer.codes)}, **answer.members}
    return {"description": answer.description, "allOf": [refer_to("Problem")], "properties": properties}


def describe_problem_responses() -> Schema:
    """A response component for each status, to be referred to by its number."""
    return {str(answer.status): _describe_response(answer) for answer in PROBLEM_ANSWERS}


def _describe_response(answer: ProblemAnswer) -> dict[str, Any]:
    shown = {code: {"value": PROBLEM_EXAMPLES[code]} for code in answer.codes if code in PROBLEM_EXAMPLES}
    return {
        "description": answer.description,
        "headers": {name: refer_to(name, "headers") for name in ("X-Request-ID", *answer.headers)},
        "content": {PROBLEM_MEDIA_TYPE: {"schema": refer_to(answer.name), "examples": shown}},
    }
