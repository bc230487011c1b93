"""Read files and send nothing. Knows neither settings nor network."""

import time
from contextlib import closing
from functools import partial
from typing import BinaryIO

from timesheets_client.arguments import Options
from timesheets_client.errors import ExitStatus, choose_status
from timesheets_client.files.uploads import guard_file
from timesheets_client.output.report import FileOutcome, Report
from timesheets_client.reading.entries import RejectedEntry, InputWarning
from timesheets_client.reading.inputs import open_input, read_entries

UNCHECKED = (
    "--dry-run: checked syntax, columns, dates and decimal form only; whether an entry is valid, and whether "
    "it is there already, only the API can tell: --check FILE asks it"
)


def read_files(options: Options, stdin: BinaryIO, report: Report) -> ExitStatus:
    statuses = [
        guard_file(partial(read_file, name, options, stdin, report), report) for name in options.files
    ]
    report.show(UNCHECKED)
    return choose_status(statuses)


def read_file(name: str, options: Options, stdin: BinaryIO, report: Report) -> ExitStatus:
    begin = time.monotonic()
    source = open_input(name, stdin)
    entries = rejected = 0
    is_suspicious = False
    try:
        with closing(read_entries(source, options.format, options.time_zone)) as read:
            for each in read:
                if isinstance(each, InputWarning):
                    report.show_problem(each.describe())
                    is_suspicious = True
                    continue
                entries += 1
                if isinstance(each, RejectedEntry):
                    report.show_rejected([each], rejected)
                    rejected += 1
    finally:
        if source.file is not stdin:
            source.file.close()
    report.show_file(
        FileOutcome(
            file=source.given or source.name,
            entries=entries,
            created=0,
            existing=0,
            rejected=rejected,
            rejects=None,
            seconds=time.monotonic() - begin,
            is_dry_run=True,
        )
    )
    refuses = options.is_strict and is_suspicious
    return ExitStatus.REJECTED if rejected or refuses else ExitStatus.DONE
