"""Try each step of an upload and store nothing; the first that fails is explained."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

from timesheets_client.access.issued_tokens import REQUIRED_SCOPE
from timesheets_client.arguments import Options
from timesheets_client.context import Environment, RunContext, open_context
from timesheets_client.environment.config import load_config
from timesheets_client.errors import ExitStatus, UploadError, choose_status
from timesheets_client.files.locks import open_locked
from timesheets_client.files.rejects import NoRejects
from timesheets_client.files.tally import Tally, take_entries
from timesheets_client.output.report import Report
from timesheets_client.printable import escape
from timesheets_client.reading.identity import EntryIds
from timesheets_client.reading.inputs import read_entries
from timesheets_client.sending.batch_uploads import UploadMode, upload_batch
from timesheets_client.sending.batches import Batch, make_batches

DRY_RUN = UploadMode(is_dry_run=True)
EMPTY_BATCH = Batch(entries=(), lines=())


def preflight(options: Options, environment: Environment, report: Report) -> ExitStatus:
    """Tell a line for each step. Raises the UploadError of the first that fails, with the step's name."""
    with step("settings"):
        config = load_config(environment.variables, environment.development)
    report.show(f"ok       settings: complete, for {config.upload_url}")
    with open_context(options, environment, report, config) as context:
        check_token(context)
        with step("API"):
            upload_batch(context.client, EMPTY_BATCH, DRY_RUN)
        report.show("ok       API: it takes this token, and answered an upload of no entries")
        return choose_status([check_file(name, context) for name in options.files])


def check_token(context: RunContext) -> None:
    with step("token"):
        token = context.tokens.obtain()
    origin = "kept from an earlier run" if token.is_from_cache else "new from the issuer"
    context.report.show(f"ok       token: {origin}")
    context.report.show(f"ok       audience: it is for {context.config.audience}")
    context.report.show(f"ok       scope: it grants {REQUIRED_SCOPE}, among: {token.scopes}")
    context.report.show(f"ok       expiry: {format_timestamp(token.stated_end)}")


def format_timestamp(seconds: float | None) -> str:
    """UTC, if that is a moment of the calendar; `seconds` are since 1970."""
    if seconds is None:
        return "the issuer does not tell"
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{seconds:.0f} seconds after 1970"


def check_file(name: str, context: RunContext) -> ExitStatus:
    """Ask the API what it would make of a file."""
    options = context.options
    with step(escape(name)), open_locked(name, context) as source:
        tally = Tally(source=source, rejects=NoRejects(), report=context.report)
        with closing(read_entries(source, options.format, options.time_zone)) as read:
            entries = take_entries(read, EntryIds() if options.derives_ids else None, tally)
            for batch in make_batches(entries, options.batch_size):
                tally.count(upload_batch(context.client, batch, DRY_RUN))
    is_refused = tally.rejected > 0 or (options.is_strict and tally.is_suspicious)
    context.report.outcomes.append(tally.summarize(None))
    word = "rejected" if is_refused else "ok"
    context.report.show(
        f"{word:<8} {name}: of {tally.entries} entries the API would create {tally.created}, "
        f"has {tally.existing} already, and would reject {tally.rejected}"
    )
    return ExitStatus.REJECTED if is_refused else ExitStatus.DONE


@contextmanager
def step(name: str) -> Iterator[None]:
    try:
        yield
    except UploadError as error:
        error.args = (f"FAILED   {name}: {error}",)
        raise
