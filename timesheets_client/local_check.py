"""Check files locally (--dry-run). Needs neither settings nor network."""

from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import BinaryIO

from timesheets_client.arguments import Options
from timesheets_client.errors import ExitStatus
from timesheets_client.files.tally import Tally, take_entries
from timesheets_client.files.uploads import process_files
from timesheets_client.output.report import Report
from timesheets_client.reading.inputs import open_input

NOT_CHECKED = (
    "--dry-run: checked only syntax, columns, dates and decimal form; only the API can tell whether an entry "
    "is valid, and whether it already exists: --check FILE asks the API"
)


def read_files(options: Options, stdin: BinaryIO, report: Report) -> ExitStatus:
    # Nothing is sent, so no entry needs an id.
    without_ids = replace(options, derives_ids=False)
    status = process_files(
        options.files, partial(read_file, options=without_ids, stdin=stdin, report=report), report
    )
    report.show(NOT_CHECKED)
    return status


def read_file(name: str, options: Options, stdin: BinaryIO, report: Report) -> ExitStatus:
    source = open_input(name, stdin)
    tally = Tally(source=source, report=report, is_strict=options.is_strict)
    try:
        with closing(take_entries(tally, options)) as entries:
            for _ in entries:
                pass
    finally:
        if source.file is not stdin:
            source.file.close()
    report.show_file(tally.finish(), is_dry_run=True)
    return ExitStatus.REJECTED if tally.is_faulty else ExitStatus.DONE
