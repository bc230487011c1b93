"""Show whose hours of a week are missing (--missing)."""

from collections import Counter
from collections.abc import Mapping

from timesheets_client.context import RunContext
from timesheets_client.errors import ConfigurationError, ExitStatus, ParameterRefused, WrongUsage
from timesheets_client.output.tables import format_table
from timesheets_client.sending.client import ApiClient
from timesheets_client.sending.stored_entries import explain_unexpected

MISSING_PATH = "/missing"
COLUMNS = ("user_id", "hours", "expected", "status")
# Only a token that reads every client gets these.
CLIENT_COLUMNS = ("client", "organization")
HAS_TO_ACT = {"missing", "short"}


def show_missing(context: RunContext) -> ExitStatus:
    """Show the week's people, those without enough hours first. Raises an UploadError."""
    report, client, name = context.report, context.client, context.options.missing_week
    week = read_week(client, name or "")
    people = read_people(week["people"], client)
    days = {each: client.quote(week.get(each)) for each in ("week", "from", "to")}
    has_ended = week.get("ended") is True
    report.results["missing"] = {**days, "ended": has_ended, "people": people}
    if people is None:
        report.show(f"{name}: the API keeps no list of assignments, so nobody is missing or short")
        return ExitStatus.DONE
    rows = [{column: value or "" for column, value in person.items()} for person in people]
    report.show_lines(format_table(rows, ("hours", "expected")) if rows else ())
    counts = Counter(row["status"] for row in rows)
    counted = ", ".join(f"{count} {status}" for status, count in counts.items()) or "nobody is on the list"
    summary = f"{name}, {days['from']} to {days['to']}: {counted}"
    summary += "" if has_ended else "; the week has not ended"
    if HAS_TO_ACT.isdisjoint(counts):
        report.show(summary)
        return ExitStatus.DONE
    report.show_problem(summary)
    return ExitStatus.REJECTED


def read_week(client: ApiClient, week: str) -> Mapping[str, object]:
    """An object with `people`. Raises WrongUsage if the API refuses the week, and any other UploadError."""
    try:
        answer = client.read(MISSING_PATH, week=week)
    except ParameterRefused as error:
        raise WrongUsage(f"--missing: {error.reason}") from None
    if answer is None:
        raise ConfigurationError(f"{MISSING_PATH}: this needs a later version of the API")
    if not answer.document or "people" not in answer.document:
        raise explain_unexpected(MISSING_PATH)
    return answer.document


def read_people(items: object, client: ApiClient) -> list[dict[str, str | None]] | None:
    """The people with texts that are safe to print; None without a list. Raises ConfigurationError."""
    if items is None:
        return None
    if not isinstance(items, list) or not all(
        isinstance(each, Mapping) and all(name in each for name in COLUMNS) for each in items
    ):
        raise explain_unexpected(MISSING_PATH)
    return [
        {
            name: None if each[name] is None else client.quote(each[name])
            for name in (*COLUMNS, *CLIENT_COLUMNS)
            if name in each
        }
        for each in items
    ]
