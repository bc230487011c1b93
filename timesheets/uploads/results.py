"""What a response says about an entry, for one entry and for many."""

from collections.abc import Container, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from timesheets import exceptions
from timesheets.permissions import CORRECTION_SCOPE
from timesheets.serializers import represent_content
from timesheets.storage.entries import ACCEPTED, Entry, Outcome, Verdict
from timesheets_files.limits import MAX_REVISION

# What an entry is refused for, with its status and code.
PROBLEMS: Mapping[Outcome, type[exceptions.Problem]] = {
    Outcome.CONFLICT: exceptions.Conflict,
    Outcome.REVISION_GAP: exceptions.RevisionGap,
    Outcome.UNKNOWN_ENTRY: exceptions.InvalidEntry,
    Outcome.NOTHING_TO_WITHDRAW: exceptions.InvalidEntry,
    Outcome.REASON_MISSING: exceptions.InvalidEntry,
    Outcome.TOO_MANY_REVISIONS: exceptions.TooManyRevisions,
    Outcome.OUTSIDE_WINDOW: exceptions.OutsideWindow,
    Outcome.NOT_ASSIGNED: exceptions.NotAssigned,
    Outcome.INVALID: exceptions.InvalidEntry,
    Outcome.INSUFFICIENT_SCOPE: exceptions.InsufficientScope,
}
_STATUSES = {
    Outcome.CREATED: HTTPStatus.CREATED,
    Outcome.EXISTING: HTTPStatus.OK,
    Outcome.SUPERSEDED: HTTPStatus.OK,
    Outcome.REFUSED_WITH_BATCH: HTTPStatus.FAILED_DEPENDENCY,
    **{outcome: problem.status_code for outcome, problem in PROBLEMS.items()},
}


class Result(NamedTuple):
    """The outcome of an entry, and the members that a response shows: `status` and others."""

    outcome: Outcome
    members: Mapping[str, Any]


def describe_outcome(outcome: Outcome, **members: Any) -> Result:
    return Result(outcome, {"status": _STATUSES[outcome], **members})


SCOPE_ADVICE = f"A correction needs an access token with the scope {CORRECTION_SCOPE}."
_WHOM_TO_ASK = "Ask the operator of this API."
# The member that an error is about, and its words.
_ERRORS = {
    Outcome.UNKNOWN_ENTRY: (
        "revision",
        "There is no entry with this entry_id to correct. Send it without revision and reason first.",
    ),
    Outcome.NOTHING_TO_WITHDRAW: ("hours", "There is no entry with this entry_id to withdraw."),
    Outcome.REASON_MISSING: ("reason", "This entry differs from the current one. Send a reason."),
    Outcome.TOO_MANY_REVISIONS: (
        "entry_id",
        f"This entry has {MAX_REVISION} revisions, and cannot be corrected again.",
    ),
    Outcome.OUTSIDE_WINDOW: ("date", f"This day is too long ago, or too far ahead. {_WHOM_TO_ASK}"),
    Outcome.INSUFFICIENT_SCOPE: ("revision", SCOPE_ADVICE),
}
# By the member that no assignment matches.
_NOT_ASSIGNED = {
    "user_id": "This client may not add hours of this employee.",
    "project": "This client may not add hours of this employee on this project.",
    "date": "This client may not add hours of this employee on this project on this day.",
}


def _explain(outcome: Outcome, member: str, words: str) -> Mapping[str, Any]:
    problem = PROBLEMS[outcome]
    code = {} if problem is exceptions.InvalidEntry else {"code": problem.default_code}
    return {**code, "errors": {member: [words]}}


_EXPLANATIONS = {outcome: _explain(outcome, *error) for outcome, error in _ERRORS.items()}
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
        return _explain(verdict.outcome, "revision", words)
    if verdict.outcome is Outcome.NOT_ASSIGNED:
        words = f"{_NOT_ASSIGNED[verdict.refused_member]} {_WHOM_TO_ASK}"
        return _explain(verdict.outcome, verdict.refused_member, words)
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
