"""What a response says about an entry, for one entry and for many."""

from collections.abc import Container, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from timesheets.exceptions import InsufficientScope, RevisionGap
from timesheets.permissions import CORRECTION_SCOPE
from timesheets.storage.verdicts import ACCEPTED, Outcome, Verdict

_STATUSES = {
    Outcome.CREATED: HTTPStatus.CREATED,
    Outcome.EXISTING: HTTPStatus.OK,
    Outcome.SUPERSEDED: HTTPStatus.OK,
    Outcome.CONFLICT: HTTPStatus.CONFLICT,
    Outcome.REVISION_GAP: HTTPStatus.CONFLICT,
    Outcome.UNKNOWN_ENTRY: HTTPStatus.UNPROCESSABLE_ENTITY,
    Outcome.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    Outcome.INSUFFICIENT_SCOPE: HTTPStatus.FORBIDDEN,
    Outcome.REFUSED_WITH_BATCH: HTTPStatus.FAILED_DEPENDENCY,
}


class Result(NamedTuple):
    """The outcome of an entry, and the members that a response shows: `status` and others."""

    outcome: Outcome
    members: Mapping[str, Any]


def describe_outcome(outcome: Outcome, **members: Any) -> Result:
    return Result(outcome, {"status": _STATUSES[outcome], **members})


SCOPE_ADVICE = f"A correction needs an access token with the scope {CORRECTION_SCOPE}."
HELD_BACK = describe_outcome(Outcome.REFUSED_WITH_BATCH)
SCOPE_MISSING = describe_outcome(
    Outcome.INSUFFICIENT_SCOPE,
    code=InsufficientScope.default_code,
    errors={"revision": [SCOPE_ADVICE]},
)


def describe_verdict(verdict: Verdict, unstored_ids: Container[int] = ()) -> Result:
    """The result of an entry. No id of a row in `unstored_ids` is shown, because it will not exist."""
    members: dict[str, Any] = {"status": _STATUSES[verdict.outcome]}
    if verdict.timesheet_id and verdict.timesheet_id not in unstored_ids:
        members["id"] = verdict.timesheet_id
    if verdict.supersedes is not None and verdict.supersedes not in unstored_ids:
        members["supersedes"] = verdict.supersedes
    if verdict.superseded_by is not None and verdict.superseded_by not in unstored_ids:
        members["superseded_by"] = verdict.superseded_by
    if verdict.current_revision is not None:
        members["current_revision"] = verdict.current_revision
    if verdict.outcome not in ACCEPTED:
        members |= _explain_refusal(verdict)
    return Result(verdict.outcome, members)


def _explain_refusal(verdict: Verdict) -> Mapping[str, Any]:
    """`code` and `errors` of the refusals that only corrections get."""
    if verdict.outcome is Outcome.REVISION_GAP and verdict.current_revision is not None:
        current = verdict.current_revision
        words = f"The current revision of this entry_id is {current}, so revision {current + 1} comes next."
        return {"code": RevisionGap.default_code, "errors": {"revision": [words]}}
    if verdict.outcome is Outcome.UNKNOWN_ENTRY:
        words = "There is no entry with this entry_id to correct. Send it without revision and reason first."
        return {"errors": {"revision": [words]}}
    return {}
