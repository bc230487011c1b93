"""Show what the API lists: the latest uploads (--uploads), and who has too few hours (--missing)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from timesheets_client.context import RunContext
from timesheets_client.errors import ConfigurationError, ExitStatus, ParameterRefused, WrongUsage
from timesheets_client.output.report import format_table
from timesheets_client.sending.client import ApiClient
from timesheets_client.sending.stored_entries import explain_unexpected, read_whole_number

UPLOADS_PATH = "/uploads"
COUNTS = ("received", "created", "existing", "rejected")
MAX_SHOWN = 20
SHOWN = ("created", "existing", "rejected")
MISSING_PATH = "/missing"
MEMBERS = ("user_id", "hours", "expected", "status")
# Only a token that reads every client gets these.
CLIENT_MEMBERS = ("client", "organization")
HAS_TO_ACT = ("missing", "short")


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The receipt of an upload of many. The texts are safe to print."""

    upload: int
    received_at: str
    label: str
    counts: Mapping[str, int]


def show_uploads(context: RunContext) -> ExitStatus:
    """Show the receipts of this client's latest uploads. Raises an UploadError."""
    report, label = context.report, context.options.label
    filters = {} if label is None else {"label": label}
    answer = context.client.read(UPLOADS_PATH, order="newest", page_size=str(MAX_SHOWN), **filters)
    receipts = read_receipts(((answer and answer.document) or {}).get("results"), context.client)
    report.results["uploads"] = [asdict(each) for each in receipts]
    rows = [
        {
            "upload": str(each.upload),
            "received (UTC)": each.received_at[:16].replace("T", " "),
            **{name: str(each.counts[name]) for name in SHOWN},
            "label": each.label,
        }
        for each in receipts
    ]
    report.show_lines(format_table(rows, ("upload", *SHOWN)) if rows else ["no uploads"])
    return ExitStatus.DONE


def find_receipt(client: ApiClient, upload: int) -> Receipt | None:
    """The receipt of an upload; None if this client has no such upload. Raises an UploadError."""
    answer = client.read(f"{UPLOADS_PATH}/{upload}")
    return read_receipts([answer.document], client)[0] if answer else None


def read_receipts(items: object, client: ApiClient) -> Sequence[Receipt]:
    """Return the receipts of an answer, or raise ConfigurationError."""
    if not isinstance(items, list) or not all(isinstance(each, Mapping) for each in items):
        raise explain_unexpected(UPLOADS_PATH)
    return [
        Receipt(
            upload=read_whole_number(each.get("id"), UPLOADS_PATH),
            received_at=client.quote(each.get("received_at") or ""),
            label=client.quote(each.get("label") or ""),
            counts={name: read_whole_number(each.get(name), UPLOADS_PATH) for name in COUNTS},
        )
        for each in items
    ]


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
