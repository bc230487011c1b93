"""Write the client's current entries to a file, which --correct reads (--download).

Pages go to FILE.part. FILE.checkpoint.part says what of it is complete and which page is next, so that a
later run continues where this one was stopped.
"""

import codecs
import csv
import hashlib
import io
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from timesheets_client.arguments import MAX_PAGE_SIZE
from timesheets_client.context import RunContext
from timesheets_client.errors import ExitStatus, WrongUsage
from timesheets_client.files.folders import add_suffix, explain_os_errors, lock_input
from timesheets_client.local_files import (
    OWNER_ONLY,
    open_regular,
    prepare_move,
    read_private_file,
    replace_file,
    set_mode,
)
from timesheets_client.output.report import count_entries
from timesheets_client.reading.entries import encode_value
from timesheets_client.reading.inputs import Format, Input
from timesheets_client.sending.stored_entries import StoredEntry, find_latest_state, list_state
from timesheets_files.members import COLUMNS, ENTRY_ID
from timesheets_files.printable import escape, escape_bytes
from timesheets_files.rows import read_decimal

# Raise it when a file gets other bytes, so that no run continues the file of an older client.
VERSION = 2
# Far more than a checkpoint has.
MAX_CHECKPOINT_BYTES = 64 * 1024
# Excel recognizes UTF-8 only by the mark. Without it, a name with an umlaut would be saved as another name.
HEADER = codecs.BOM_UTF8 + f"{','.join((ENTRY_ID, *COLUMNS))}\n".encode()


def download_entries(context: RunContext) -> ExitStatus:
    """Download into a new file and report. Raises an UploadError; another run then continues."""
    report, download, start = context.report, Download(context), time.monotonic()
    path, since = download.path, context.options.since
    shown = escape(str(path))
    # It may be a download that was edited.
    if os.path.lexists(path):
        raise WrongUsage(f"--download: {shown} exists already; remove it, or name another file")
    # Without the scope, nothing is written.
    context.tokens.obtain()
    try:
        with (
            explain_os_errors(path, "entries cannot be written there", "name another file with --download"),
            report.progress.follow(shown),
        ):
            download.write()
    except BaseException:
        if count := download.entries:
            part = escape(download.part.name)
            report.show_problem(
                f"{shown}: {count} of its entries are in {part}; the same command continues there"
            )
        raise
    finally:
        seconds, name = time.monotonic() - start, escape_bytes(str(path))
        outcome = {"file": name, "since": since, "entries": download.entries}
        report.results["download"] = {**outcome, "seconds": round(seconds, 3)}
    report.show(f"{path}: {count_entries(download.entries)} since {since} in {seconds:.1f} s")
    return ExitStatus.DONE


class Download:
    """Writes the entries to `part` page by page. `entries` counts those that another run need not read."""

    def __init__(self, context: RunContext) -> None:
        config, options = context.config, context.options
        self._context, self._since = context, options.since or ""
        self._format = options.download_format or Format.CSV
        self.path, self.entries = options.download or Path(), 0
        names = [add_suffix(self.path.name, suffix) for suffix in (".part", ".checkpoint.part")]
        self.part, self._checkpoint = map(self.path.with_name, names)
        self._sha256 = hashlib.sha256()
        # What decides which bytes are written, besides the state.
        issuer = config.issuer or config.token_url
        self._request = [VERSION, config.upload_url, issuer, config.client_id, self._since, self._format]

    def write(self) -> None:
        """Write the file and give it its name. Raises an UploadError or OSError."""
        file = open_regular(self.part, os.O_RDWR | os.O_CREAT)
        with lock_input(Input(name=escape(str(self.path)), file=file, path=self.part), self._context):
            # Fails if another user has created it.
            set_mode(file.fileno(), OWNER_ONLY)
            self._write_pages(file)
            os.fsync(file.fileno())
            # First, so that a run that is killed now leaves no checkpoint beside the complete file.
            self._checkpoint.unlink(missing_ok=True)
            prepare_move(file)
            self.part.replace(self.path)

    def _write_pages(self, file: BinaryIO) -> None:
        context, report = self._context, self._context.report
        as_of, cursor = self._resume(file)
        if cursor is None:
            as_of = find_latest_state(context.client)
            self._append(file, HEADER if self._format is Format.CSV else b"")
        else:
            report.show(f"{self.path}: continued after {self.entries} entries")
            report.progress.advance(self.entries)
        size = min(context.options.batch_size, MAX_PAGE_SIZE)
        pages = list_state(context.client, as_of=as_of, since=self._since, page_size=size, cursor=cursor)
        for rows, following in pages:
            with context.environment.signals.deferred():
                self._append(file, encode_rows(rows, self._format))
                entries = self.entries + len(rows)
                if following is not None:
                    place = [file.tell(), self._sha256.hexdigest(), as_of, following, entries]
                    replace_file(self._checkpoint, [json.dumps([self._request, *place]).encode()])
                self.entries = entries
            report.progress.advance(len(rows))

    def _append(self, file: BinaryIO, content: bytes) -> None:
        file.write(content)
        file.flush()
        self._sha256.update(content)

    def _resume(self, file: BinaryIO) -> tuple[int, str | None]:
        """The state and the next page of the checkpoint, with the file as it was then.

        (0, None), with an empty file, without a checkpoint of this request, or if the file was changed since.
        """
        try:
            content = read_private_file(self._checkpoint, MAX_CHECKPOINT_BYTES) or b""
            request, size, digest, as_of, cursor, entries = json.loads(content)
            file.truncate(size)
            sha256 = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
            if request == self._request and sha256.hexdigest() == digest:
                self._sha256, self.entries = sha256, entries
                return as_of, cursor
        except (ValueError, TypeError, RecursionError):
            pass
        self._checkpoint.unlink(missing_ok=True)
        file.seek(0)
        file.truncate()
        return 0, None


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
