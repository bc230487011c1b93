"""What a response says about an entry, for one entry and for many."""

from collections.abc import Container, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from timesheets.exceptions import InsufficientScope, NotAssigned, OutsideWindow, RevisionGap, TooManyRevisions
from timesheets.permissions import CORRECTION_SCOPE
from timesheets.serializers import represent_content
from timesheets.storage.entries import Entry
from timesheets.storage.verdicts import ACCEPTED, Outcome, Verdict
from timesheets_files.limits import MAX_REVISION

_STATUSES = {
    Outcome.CREATED: HTTPStatus.CREATED,
    Outcome.EXISTING: HTTPStatus.OK,
    Outcome.SUPERSEDED: HTTPStatus.OK,
    Outcome.CONFLICT: HTTPStatus.CONFLICT,
    Outcome.REVISION_GAP: HTTPStatus.CONFLICT,
    Outcome.UNKNOWN_ENTRY: HTTPStatus.UNPROCESSABLE_ENTITY,
    Outcome.NOTHING_TO_WITHDRAW: HTTPStatus.UNPROCESSABLE_ENTITY,
    Outcome.REASON_MISSING: HTTPStatus.UNPROCESSABLE_ENTITY,
    Outcome.TOO_MANY_REVISIONS: HTTPStatus.CONFLICT,
    Outcome.OUTSIDE_WINDOW: HTTPStatus.UNPROCESSABLE_ENTITY,
    Outcome.NOT_ASSIGNED: HTTPStatus.UNPROCESSABLE_ENTITY,
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
_TO_CORRECT = "There is no entry with this entry_id to correct. Send it without revision and reason first."
_WHOM_TO_ASK = "Ask the operator of this API."
_FULL = f"This entry has {MAX_REVISION} revisions, and cannot be corrected again."


def _explain(member: str, words: str, **code: str) -> Mapping[str, Any]:
    return {**code, "errors": {member: [words]}}


# Of the refusals that only corrections get.
_EXPLANATIONS = {
    Outcome.UNKNOWN_ENTRY: _explain("revision", _TO_CORRECT),
    Outcome.NOTHING_TO_WITHDRAW: _explain("hours", "There is no entry with this entry_id to withdraw."),
    Outcome.REASON_MISSING: _explain("reason", "This entry differs from the current one. Send a reason."),
    Outcome.TOO_MANY_REVISIONS: _explain("entry_id", _FULL, code=TooManyRevisions.default_code),
    Outcome.INSUFFICIENT_SCOPE: _explain("revision", SCOPE_ADVICE, code=InsufficientScope.default_code),
}
# By the member that no assignment matches.
_NOT_ASSIGNED = {
    "user_id": "This client may not add hours of this employee.",
    "project": "This client may not add hours of this employee on this project.",
    "date": "This client may not add hours of this employee on this project on this day.",
}
HELD_BACK = describe_outcome(Outcome.REFUSED_WITH_BATCH)
SCOPE_MISSING = describe_outcome(Outcome.INSUFFICIENT_SCOPE, **_EXPLANATIONS[Outcome.INSUFFICIENT_SCOPE])


def describe_verdict(verdict: Verdict, unstored_ids: Container[int] = ()) -> Result:
    """The result of an entry. No id of a row in `unstored_ids` is shown, because it will not exist.

    A correction that will not exist shows what it would correct.
    """
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
    elif verdict.corrects is not None:
        members["revision"] = verdict.corrects.revision + 1
        members |= {} if "id" in members else {"was": represent_content(verdict.corrects.entry)}
    return Result(verdict.outcome, members)


def _explain_refusal(verdict: Verdict) -> Mapping[str, Any]:
    if verdict.outcome is Outcome.REVISION_GAP and verdict.current_revision is not None:
        current = verdict.current_revision
        words = f"The current revision of this entry_id is {current}, so revision {current + 1} comes next."
        return _explain("revision", words, code=RevisionGap.default_code)
    if verdict.outcome is Outcome.NOT_ASSIGNED:
        words = f"{_NOT_ASSIGNED[verdict.refused_member]} {_WHOM_TO_ASK}"
        return _explain(verdict.refused_member, words, code=NotAssigned.default_code)
    if verdict.outcome is Outcome.OUTSIDE_WINDOW:
        words = f"This day is too long ago, or too far ahead. {_WHOM_TO_ASK}"
        return _explain(verdict.refused_member, words, code=OutsideWindow.default_code)
    return _EXPLANATIONS.get(verdict.outcome, {})


def explain_conflict(entry: Entry, verdict: Verdict) -> str:
    if (entry.revision or 1) > 1:
        subject = f"Revision {entry.revision} of this entry_id is"
    else:
        subject = "This entry_id belongs to"
    advice = ""
    if verdict.current_revision is not None:
        advice = f" To correct it, send revision {verdict.current_revision + 1}."
    return f"{subject} timesheet {verdict.timesheet_id}, which differs and stays unchanged.{advice}"
