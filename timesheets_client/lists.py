"""Show what the API lists: the latest uploads (--uploads), and who has too few hours (--missing)."""

from collections.abc import Mapping
from typing import Any

from timesheets_client.context import RunContext
from timesheets_client.errors import ConfigurationError, ExitStatus, ParameterRefused, WrongUsage
from timesheets_client.output.report import format_table
from timesheets_client.sending.client import ApiClient
from timesheets_client.sending.stored_entries import explain_unexpected
from timesheets_client.sending.verdicts import COUNTS, read_count

UPLOADS_PATH = "/uploads"
MAX_SHOWN = 20
SHOWN = ("created", "existing", "rejected")
MISSING_PATH = "/missing"
MEMBERS = ("user_id", "hours", "expected", "status")
# Only a token that reads every client gets these.
CLIENT_MEMBERS = ("client", "organization")
HAS_TO_ACT = ("missing", "short")


def show_uploads(context: RunContext) -> ExitStatus:
    """Show the receipts of this client's latest uploads. Raises an UploadError."""
    report, label = context.report, context.options.label
    filters = {} if label is None else {"label": label}
    answer = context.client.read(UPLOADS_PATH, order="newest", page_size=str(MAX_SHOWN), **filters)
    receipts = read_receipts(((answer and answer.document) or {}).get("results"), context.client)
    report.results["uploads"] = receipts
    rows = [
        {
            "upload": str(each["upload"]),
            "received (UTC)": each["received_at"][:16].replace("T", " "),
            **{name: str(each["counts"][name]) for name in SHOWN},
            "label": each["label"],
        }
        for each in receipts
    ]
    report.show_lines(format_table(rows, ("upload", *SHOWN)) if rows else ["no uploads"])
    return ExitStatus.DONE


def find_receipt(client: ApiClient, upload: int) -> dict[str, Any] | None:
    """The receipt of an upload; None if this client has no such upload. Raises an UploadError."""
    answer = client.read(f"{UPLOADS_PATH}/{upload}")
    return read_receipts([answer.document], client)[0] if answer else None


def read_receipts(items: Any, client: ApiClient) -> list[dict[str, Any]]:
    """Return the receipts of an answer, with texts that are safe to print, or raise ConfigurationError."""
    try:
        return [
            {
                "upload": read_count(each, "id"),
                "received_at": client.quote(each.get("received_at") or ""),
                "label": client.quote(each.get("label") or ""),
                "counts": {name: read_count(each, name) for name in COUNTS},
            }
            for each in items
        ]
    except (ValueError, TypeError, AttributeError):
        raise explain_unexpected(UPLOADS_PATH) from None


def show_missing(context: RunContext) -> ExitStatus:
    """Show a line for each person, first for those without enough hours. Raises an UploadError."""
    report, week = context.report, context.options.missing_week or ""
    people = read_people(context.client, week)
    report.results["missing"] = {"week": week, "people": people}
    if people is None:
        report.show(f"{week}: the API keeps no list of assignments, so no employee can be missing")
    for each in people or ():
        expected = "" if each["expected"] is None else f" of {each['expected']}"
        client = "".join(f", {each[name]}" for name in CLIENT_MEMBERS if name in each)
        show = report.show_problem if each["status"] in HAS_TO_ACT else report.show
        show(f"{week}: {each['user_id']}{client}: {each['status']}, {each['hours']}{expected} hours")
    is_complete = all(each["status"] not in HAS_TO_ACT for each in people or ())
    return ExitStatus.DONE if is_complete else ExitStatus.REJECTED


def read_people(client: ApiClient, week: str) -> list[dict[str, str | None]] | None:
    """The people with texts that are safe to print; None without a list. Raises an UploadError."""
    try:
        answer = client.read(MISSING_PATH, week=week)
    except ParameterRefused as error:
        raise WrongUsage(f"--missing {week}: {error.reason}") from None
    if answer is None:
        raise ConfigurationError(f"{MISSING_PATH}: this needs a later version of the API")
    document: Mapping[str, Any] = answer.document or {}
    try:
        people = document["people"]
        return people if people is None else [read_person(each, client) for each in people]
    except (KeyError, TypeError):
        raise explain_unexpected(MISSING_PATH) from None


def read_person(person: Mapping[str, Any], client: ApiClient) -> dict[str, str | None]:
    names = (*MEMBERS, *(name for name in CLIENT_MEMBERS if name in person))
    return {name: None if person[name] is None else client.quote(person[name]) for name in names}
