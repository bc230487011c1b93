"""Read the API's receipts of uploads, and show the latest (--uploads)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from timesheets_client.context import RunContext
from timesheets_client.errors import ExitStatus
from timesheets_client.output.report import format_table
from timesheets_client.sending.client import ApiClient
from timesheets_client.sending.stored_entries import explain_unexpected, read_whole_number

UPLOADS_PATH = "/uploads"
COUNTS = ("received", "created", "existing", "rejected")
MAX_SHOWN = 20
SHOWN = ("created", "existing", "rejected")


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
    """Raises ConfigurationError if they are no receipts."""
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
