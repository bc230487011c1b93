"""Describe what became of an entry, for one entry and for many."""

from collections.abc import Container, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from timesheets.exceptions import InsufficientScope, RevisionGap
from timesheets.permissions import CORRECTION_SCOPE
from timesheets.storage.verdicts import Outcome, Verdict

# What the metrics call it, and its status.
_OUTCOMES = {
    Outcome.CREATED: ("created", HTTPStatus.CREATED),
    Outcome.EXISTING: ("existing", HTTPStatus.OK),
    Outcome.SUPERSEDED: ("superseded", HTTPStatus.OK),
    Outcome.CONFLICT: ("conflict", HTTPStatus.CONFLICT),
    Outcome.REVISION_GAP: ("revision_gap", HTTPStatus.CONFLICT),
    Outcome.UNKNOWN_ENTRY: ("unknown_entry", HTTPStatus.UNPROCESSABLE_ENTITY),
}
# The entry is stored, now or before.
ACCEPTED = frozenset({Outcome.CREATED, Outcome.EXISTING, Outcome.SUPERSEDED})


class Result(NamedTuple):
    """What the metrics call the verdict, and the members that a response shows: `status` and others."""

    label: str
    members: Mapping[str, Any]


SCOPE_ADVICE = f"A correction needs an access token with the scope {CORRECTION_SCOPE}."
HELD_BACK = Result("refused_with_batch", {"status": HTTPStatus.FAILED_DEPENDENCY})
SCOPE_MISSING = Result(
    "insufficient_scope",
    {
        "status": HTTPStatus.FORBIDDEN,
        "code": InsufficientScope.default_code,
        "errors": {"revision": [SCOPE_ADVICE]},
    },
)


def describe_invalid_entry(errors: Mapping[str, Any]) -> Result:
    return Result("invalid", {"status": HTTPStatus.UNPROCESSABLE_ENTITY, "errors": errors})


def describe_verdict(verdict: Verdict, unstored_ids: Container[int] = ()) -> Result:
    """The result of an entry. No id of a row in `unstored_ids` is shown, because it will not exist."""
    label, status = _OUTCOMES[verdict.outcome]
    members: dict[str, Any] = {"status": status}
    if verdict.timesheet_id and verdict.timesheet_id not in unstored_ids:
        members["id"] = verdict.timesheet_id
    if verdict.supersedes is not None and verdict.supersedes not in unstored_ids:
        members["supersedes"] = verdict.supersedes
    if verdict.superseded_by is not None and verdict.superseded_by not in unstored_ids:
        members["superseded_by"] = verdict.superseded_by
    if verdict.current_revision is not None:
        members["current_revision"] = verdict.current_revision
    if status >= HTTPStatus.BAD_REQUEST:
        members |= _explain_refusal(verdict)
    return Result(label, members)


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
