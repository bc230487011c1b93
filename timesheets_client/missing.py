"""Show whose hours of a week are missing (--missing)."""

from collections.abc import Mapping

from timesheets_client.context import RunContext
from timesheets_client.errors import ConfigurationError, ExitStatus, ParameterRefused, WrongUsage
from timesheets_client.sending.client import ApiClient
from timesheets_client.sending.stored_entries import explain_unexpected

MISSING_PATH = "/missing"
MEMBERS = ("user_id", "hours", "expected", "status")
# Only a token that reads every client gets these.
CLIENT_MEMBERS = ("client", "organization")
HAS_TO_ACT = ("missing", "short")


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
    people = (answer.document or {}).get("people", ())
    if people is None:
        return None
    if not isinstance(people, list) or not all(
        isinstance(each, Mapping) and all(name in each for name in MEMBERS) for each in people
    ):
        raise explain_unexpected(MISSING_PATH)
    return [
        {
            name: None if each[name] is None else client.quote(each[name])
            for name in (*MEMBERS, *CLIENT_MEMBERS)
            if name in each
        }
        for each in people
    ]
