"""Read files and send nothing (--dry-run, --preview). Needs neither settings nor network."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import BinaryIO

from timesheets_client.arguments import Options
from timesheets_client.context import Environment
from timesheets_client.environment.config import choose_variables
from timesheets_client.errors import ExitStatus
from timesheets_client.files.counted_days import CountedDays, look_up_zone
from timesheets_client.files.entries import take_entries
from timesheets_client.files.preview import MAX_FIRST, Preview, describe_first
from timesheets_client.files.tally import Tally
from timesheets_client.files.uploads import process_files
from timesheets_client.output.report import Report
from timesheets_client.reading.entries import InputEntry
from timesheets_client.reading.identity import EntryIds, StatedIds
from timesheets_client.reading.inputs import open_input
from timesheets_client.sending.verdicts import REPEATED_ID
from timesheets_files.limits import find_faults
from timesheets_files.members import ENTRY_ID

NOT_CHECKED = (
    "checked the file and the documented limits of its entries; only the API can tell whether an entry "
    "already exists, and what its rules refuse: --check FILE asks the API"
)


def read_files(options: Options, environment: Environment, report: Report) -> ExitStatus:
    variables = choose_variables(environment.variables, environment.development)
    days = CountedDays(partial(look_up_zone, variables, options.timeouts))
    now = environment.clock.wall_clock()
    preview = Preview(now, options.time_zone, days) if options.is_preview else None
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
    tally = Tally(source=source, report=report, is_strict=options.is_strict, preview=preview)
    # Only equal entries before it change an id, so that the first ids are right without the others.
    first: list[InputEntry] = []
    ids, stated = EntryIds(), StatedIds()
    try:
        # Nothing is sent, so no entry needs an id.
        with closing(take_entries(tally, replace(options, derives_ids=False))) as entries:
            for entry in entries:
                if errors := find_errors(entry, stated):
                    tally.reject(entry.reject(errors))
                if preview:
                    preview.add(entry)
                    if len(first) < MAX_FIRST:
                        first.append(ids.identify(entry) if options.derives_ids else entry)
    finally:
        if source.file is not stdin:
            source.file.close()
    if preview:
        tally.first_entries = [{"source": each.source, "entry": each.members} for each in first]
        report.show_lines(describe_first(first, source.name, preview.days))
    tally.show(unsent="--preview" if preview else "--dry-run")
    return ExitStatus.REJECTED if tally.is_faulty else ExitStatus.DONE


def find_errors(entry: InputEntry, stated: StatedIds) -> Mapping[str, object]:
    """Return the errors that the API finds in the entry, whatever it has stored."""
    faults = find_faults(entry.members)
    return {ENTRY_ID: [REPEATED_ID]} if not faults and stated.differs(entry.members) else faults
