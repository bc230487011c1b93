"""Show the latest uploads (--uploads)."""

from dataclasses import asdict

from timesheets_client.context import RunContext
from timesheets_client.errors import ExitStatus
from timesheets_client.output.tables import format_table
from timesheets_client.sending.receipts import list_receipts

MAX_SHOWN = 20
SHOWN = ("created", "existing", "rejected")


def show_uploads(context: RunContext) -> ExitStatus:
    """Show the receipts of this client's latest uploads. Raises an UploadError."""
    report, label = context.report, context.options.label
    receipts = list_receipts(context.client, MAX_SHOWN, label)
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
    report.show_lines(format_table(rows, ("upload", *SHOWN), ("label",)) if rows else ["no uploads"])
    return ExitStatus.DONE
