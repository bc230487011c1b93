"""Write the client's current entries to a file, which --correct reads (--download)."""

import codecs
import csv
import io
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from timesheets_client.arguments import MAX_PAGE_SIZE
from timesheets_client.context import RunContext
from timesheets_client.errors import ExitStatus, WrongUsage
from timesheets_client.files.part_files import PartFile, name_part, open_part_file
from timesheets_client.output.report import count_entries
from timesheets_client.reading.entries import encode_value
from timesheets_client.reading.inputs import Format
from timesheets_client.sending.snapshots import find_latest_state, list_state
from timesheets_client.sending.stored_entries import Page, StoredEntry
from timesheets_files.members import COLUMNS, ENTRY_ID
from timesheets_files.printable import escape, escape_bytes
from timesheets_files.rows import read_decimal

# Raise it when a file gets other bytes, so that no run continues the file of an older client.
VERSION = 2
# Excel recognizes UTF-8 only by the mark. Without it, a name with an umlaut would be saved as another name.
HEADER = codecs.BOM_UTF8 + f"{','.join((ENTRY_ID, *COLUMNS))}\n".encode()


@dataclass(frozen=True, kw_only=True)
class Position:
    """The state that is downloaded, how much of it there is already, and the cursor of the next page."""

    as_of: int
    cursor: str | None = None
    last_id: int = 0
    entries: int = 0
    without_id: int = 0

    def advance(self, page: Page) -> "Position":
        return replace(
            self,
            cursor=page.cursor,
            last_id=page.rows[-1].timesheet_id if page.rows else self.last_id,
            entries=self.entries + len(page.rows),
            without_id=self.without_id + sum(row.entry_id is None for row in page.rows),
        )


class Download:
    """Writes the entries page by page, and counts them."""

    def __init__(self, context: RunContext) -> None:
        options, config = context.options, context.config
        self.path, self.since = options.download or Path(), options.since or ""
        self._context, self._format = context, options.download_format or Format.CSV
        self._start = time.monotonic()
        self.position = Position(as_of=0)
        # What decides which bytes are written, besides the state.
        self.request = {
            "version": VERSION,
            "api": config.upload_url,
            "issuer": config.issuer or config.token_url,
            "client": config.client_id,
            "since": self.since,
            "format": self._format,
        }

    def encode(self) -> dict[str, object]:
        """The object that --json prints."""
        return {
            "file": escape_bytes(str(self.path)),
            "since": self.since,
            "entries": self.position.entries,
            "without_id": self.position.without_id,
            "seconds": round(time.monotonic() - self._start, 3),
        }

    def write(self, part: PartFile) -> None:
        """Write the file. Raises an UploadError, or OSError if it cannot be written."""
        context, report = self._context, self._context.report
        found = part.resume()
        if found is not None:
            self.position = Position(**found)
            report.show(f"{self.path}: continued after {self.position.entries} entries")
            report.progress.advance(self.position.entries)
        else:
            self.position = Position(as_of=find_latest_state(context.client))
            part.write(HEADER if self._format is Format.CSV else b"")
        pages = list_state(
            context.client,
            as_of=self.position.as_of,
            since=self.since,
            page_size=min(context.options.batch_size, MAX_PAGE_SIZE),
            cursor=self.position.cursor,
            last_id=self.position.last_id,
        )
        for page in pages:
            with context.environment.signals.deferred():
                part.write(encode_rows(page.rows, self._format))
                position = self.position.advance(page)
                if position.cursor is not None:
                    part.save(asdict(position))
                self.position = position
            report.progress.advance(len(page.rows))
        part.commit()


def download_entries(context: RunContext) -> ExitStatus:
    """Download into a new file and report. Raises an UploadError; another run then continues."""
    report, download = context.report, Download(context)
    shown = escape(str(download.path))
    # It may be a download that was edited.
    if os.path.lexists(download.path):
        raise WrongUsage(f"--download: {shown} exists already; remove it, or name another file")
    # Without the scope, nothing is written.
    context.tokens.obtain()
    with open_part_file(download.path, download.request, context) as part:
        try:
            with report.progress.follow(shown):
                download.write(part)
        except BaseException:
            if count := download.position.entries:
                place = escape(name_part(download.path).name)
                report.show_problem(
                    f"{shown}: {count} of its entries are in {place}; the same command continues there"
                )
            raise
        finally:
            outcome = report.results["download"] = download.encode()
    counted = count_entries(download.position.entries)
    report.show(f"{download.path}: {counted} since {download.since} in {outcome['seconds']:.1f} s")
    if count := download.position.without_id:
        report.show_problem(
            f"{shown}: {count} of its entries have no entry_id, so they can never be corrected; "
            "--correct rejects them"
        )
    return ExitStatus.DONE


def encode_rows(rows: Iterable[StoredEntry], format: Format) -> bytes:  # noqa: A002
    """The rows as --correct reads them, with every digit of the hours.

    A cell of CSV that starts with `=` stays as it is, because it is read back.
    """
    text = io.StringIO()
    for row in rows:
        members = {ENTRY_ID: row.entry_id, **row.members, "hours": read_decimal(str(row.members["hours"]))}
        if format is Format.CSV:
            csv.writer(text, lineterminator="\n").writerow(members.values())
        else:
            present = {name: value for name, value in members.items() if value is not None}
            text.write(f"{encode_value(present)}\n")
    return text.getvalue().encode()
