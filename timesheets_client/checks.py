"""Check before an upload and store nothing: only files (--dry-run, --preview), or each step (--check)."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import BinaryIO

from timesheets_client.arguments import Options
from timesheets_client.context import Environment, RunContext, open_context
from timesheets_client.environment.config import load_config
from timesheets_client.errors import ExitStatus, UploadError, choose_status
from timesheets_client.files.entries import take_entries
from timesheets_client.files.folders import open_locked
from timesheets_client.files.preview import Preview, describe_first
from timesheets_client.files.replacement import replace_days
from timesheets_client.files.tally import Tally
from timesheets_client.files.uploads import process_files, upload_entries
from timesheets_client.output.report import Report
from timesheets_client.reading.entries import InputEntry
from timesheets_client.reading.identity import EntryIds, StatedIds
from timesheets_client.reading.inputs import open_input
from timesheets_client.sending.batches import Batch
from timesheets_client.sending.uploads import UploadMode, upload_batch
from timesheets_client.sending.verdicts import REPEATED_ID
from timesheets_client.withdrawal import withdraw_upload
from timesheets_files.limits import find_faults
from timesheets_files.members import ENTRY_ID
from timesheets_files.printable import escape

MAX_FIRST = 5
EMPTY_BATCH = Batch(entries=(), lines=())
NOT_CHECKED = (
    "checked the file and the documented limits of its entries; only the API can tell whether an entry "
    "already exists, and what its rules refuse: --check FILE asks the API"
)


def read_files(options: Options, environment: Environment, report: Report) -> ExitStatus:
    """Read files and send nothing. Needs neither settings nor network."""
    now = environment.clock.wall_clock()
    preview = Preview(now, options.time_zone) if options.is_preview else None
    read = partial(read_file, options=options, stdin=environment.stdin, report=report, preview=preview)
    status = process_files(options.files, read, report)
    if preview:
        report.results["preview"] = preview.encode()
        report.show_lines(preview.describe())
    report.show(f"{'--preview' if preview else '--dry-run'}: {NOT_CHECKED}")
    return status


def read_file(
    name: str, options: Options, stdin: BinaryIO, report: Report, preview: Preview | None
) -> ExitStatus:
    source = open_input(name, stdin)
    tally = Tally(source=source, report=report, is_strict=options.is_strict)
    if preview:
        tally.on_skip = preview.skip
    # Only equal entries before it change an id, so that the first ids are right without the others.
    first: list[InputEntry] = []
    ids, stated = EntryIds(), StatedIds()
    # Nothing is sent, so no entry needs an id.
    with source.file, closing(take_entries(tally, replace(options, derives_ids=False))) as entries:
        for entry in entries:
            if errors := find_errors(entry, stated):
                tally.reject(entry.reject(errors))
            if preview:
                preview.add(entry)
                if len(first) < MAX_FIRST:
                    first.append(ids.identify(entry) if options.derives_ids else entry)
    if preview:
        tally.first_entries = [{"source": each.source, "entry": each.members} for each in first]
        report.show_lines(describe_first(first, source.name))
    return tally.show(unsent="--preview" if preview else "--dry-run")


def find_errors(entry: InputEntry, stated: StatedIds) -> Mapping[str, object]:
    """Return the errors that the API finds in the entry, whatever it has stored."""
    faults = find_faults(entry.members)
    return {ENTRY_ID: [REPEATED_ID]} if not faults and stated.differs(entry.members) else faults


def preflight(options: Options, environment: Environment, report: Report) -> ExitStatus:
    """Show a line for each step. The UploadError of the first that fails starts with the step's name."""
    with step("settings"):
        config = load_config(environment.variables, environment.development)
    report.show(f"ok       settings: complete, for {config.upload_url}")
    with open_context(options, environment, report, config) as context:
        check_token(context)
        with step("API"):
            upload_batch(context.client, EMPTY_BATCH, UploadMode(is_dry_run=True))
        report.show("ok       API: it accepts this token and responded to an empty batch")
        if options.withdrawal is not None:
            with step("withdrawal"):
                return withdraw_upload(context, is_dry_run=True)
        if options.replaced_days is not None:
            [name] = options.files
            with step("replacement"):
                return replace_days(name, context, is_dry_run=True)
        return choose_status([check_file(name, context) for name in options.files])


def check_token(context: RunContext) -> None:
    with step("token"):
        token = context.tokens.obtain()
    show, required = context.report.show, context.options.required_scopes
    show(f"ok       token: {'cached by an earlier run' if token.is_from_cache else 'new from the issuer'}")
    show(f"ok       audience: {context.config.audience}")
    granted = f"{', '.join(required)} {'is' if len(required) == 1 else 'are'} granted"
    show(f"ok       scope: {granted}; all scopes of the token: {token.scopes}")
    show(f"ok       expiry: {datetime.fromtimestamp(token.expires_at, UTC):%Y-%m-%d %H:%M:%S} UTC")


def check_file(name: str, context: RunContext) -> ExitStatus:
    """Send the entries to the API with `dry_run=true`."""
    options = context.options
    with step(escape(name)), open_locked(name, context) as source:
        tally = Tally(source=source, report=context.report, is_strict=options.is_strict)
        with closing(take_entries(tally, options)) as entries:
            upload_entries(entries, tally, context, is_dry_run=True)
    return tally.show_check()


@contextmanager
def step(name: str) -> Iterator[None]:
    try:
        yield
    except UploadError as error:
        error.args = (f"FAILED   {name}: {error}",)
        raise
