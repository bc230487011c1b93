"""The command line: its arguments and the options that they set."""

import unicodedata
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from timesheets_client.access.issued_tokens import CORRECT_SCOPE, READ_SCOPE, UPLOAD_SCOPE
from timesheets_client.network.exchange import Timeouts
from timesheets_client.reading.dates import find_zone, read_date
from timesheets_client.reading.entries import Malformed
from timesheets_client.reading.inputs import Format
from timesheets_client.reading.rows import read_hours

# Only a map needs its rules.
if TYPE_CHECKING:
    from timesheets_client.reading.maps.rows import EntryMap

DEFAULT_TIMEOUTS = "10,60"
DEFAULT_BATCH_SIZE = 1_000
MAX_BATCH_SIZE = 10_000
MAX_PAGE_SIZE = 1_000
MAX_REASON_LENGTH = 200
MAX_UPLOAD_DIGITS = 18
# The years of the API's dates.
FIRST_YEAR, LAST_YEAR = 1900, 2999
DOWNLOAD_FORMATS: Mapping[str, Format] = {
    ".csv": Format.CSV,
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
}


@dataclass(frozen=True, kw_only=True)
class Options:
    """The parsed command line. Without `files` and `spool`, the run uploads the tutorial's entry."""

    files: Sequence[str] = ()
    spool: Path | None = None
    format: Format = Format.AUTO
    time_zone: tzinfo | None = None
    map_file: Path | None = None
    # What the run reads from the map file; no argument sets it.
    entry_map: "EntryMap | None" = None
    # The sheets to read of each workbook; without any, all with our columns.
    sheets: Sequence[str] = ()
    derives_ids: bool = True
    batch_size: int = DEFAULT_BATCH_SIZE
    is_strict: bool = False
    rejects: Path | None = None
    lock_wait_seconds: float = 0
    expected_entries: int | None = None
    expected_hours: Decimal | None = None
    is_correction: bool = False
    # The number of the upload to withdraw.
    withdrawal: int | None = None
    reason: str | None = None
    # The file to write.
    download: Path | None = None
    # A date, or a time with its offset, as the API reads it.
    since: str | None = None
    is_dry_run: bool = False
    is_preview: bool = False
    is_check: bool = False
    forgets_token: bool = False
    caches_token: bool = True
    retries: int = 5
    deadline_seconds: float | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)

    @property
    def required_scopes(self) -> tuple[str, ...]:
        """What the access token must grant."""
        if self.download:
            return (READ_SCOPE,)
        if self.withdrawal is not None:
            return (UPLOAD_SCOPE, CORRECT_SCOPE, READ_SCOPE)
        return (UPLOAD_SCOPE, CORRECT_SCOPE) if self.is_correction else (UPLOAD_SCOPE,)

    @property
    def download_format(self) -> Format | None:
        """The format of the file to write; None if that cannot be written."""
        suffix = self.download.suffix.lower() if self.download else ""
        found = DOWNLOAD_FORMATS.get(suffix) if self.format is Format.AUTO else self.format
        return found if found in DOWNLOAD_FORMATS.values() else None


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments. Each except --json is stored under the name of a field of Options."""
    parser.add_argument("files", nargs="*", metavar="FILE", help="a file to upload; - is standard input")
    add_reading_arguments(parser)
    add_sending_arguments(parser)
    add_correcting_arguments(parser)
    add_downloading_arguments(parser)
    checks = parser.add_argument_group("checks before an upload").add_argument
    checks("--dry-run", dest="is_dry_run", action="store_true", help="check FILE locally, send nothing")
    checks(
        "--preview",
        dest="is_preview",
        action="store_true",
        help="check FILE locally and show its first entries, totals and what may be wrong; send nothing",
    )
    checks("--check", dest="is_check", action="store_true", help="check settings, token, API and FILE")
    checks(
        "--expect-entries",
        dest="expected_entries",
        type=parse_count,
        metavar="N",
        help="send nothing of FILE, and exit with 65, unless it has N entries",
    )
    checks(
        "--expect-hours",
        dest="expected_hours",
        type=parse_hours,
        metavar="H",
        help="send nothing of FILE, and exit with 65, unless its hours add up to H",
    )
    add = parser.add_argument
    add("--forget-token", dest="forgets_token", action="store_true", help="delete the cached token and exit")
    add("--no-token-cache", dest="caches_token", action="store_false", help="get a new token, cache nothing")
    add("--json", action="store_true", help="print one JSON object and nothing else")


def add_reading_arguments(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("reading").add_argument
    add(
        "--format",
        choices=[each.value for each in Format],
        default=Format.AUTO.value,
        help="the format of the files; auto goes by the file name's suffix, else by the first byte",
    )
    add(
        "--time-zone",
        type=parse_zone,
        metavar="ZONE",
        help="the zone of times without an offset, such as Europe/Berlin; without it they are rejected",
    )
    add(
        "--map",
        dest="map_file",
        type=Path,
        metavar="FILE",
        help="a mapping file: which columns of another program's export become the members of an entry",
    )
    add(
        "--sheet",
        dest="sheets",
        action="append",
        metavar="NAME",
        help="read only this sheet of a workbook, even if it is hidden; can be repeated",
    )
    add(
        "--dedupe",
        dest="derives_ids",
        choices=["on", "off"],
        default="on",
        help="off: derive no ids, so that equal rows of several files are separate entries; "
        "nothing is then sent twice, and a lost response ends the run",
    )
    add(
        "--spool",
        type=Path,
        metavar="DIR",
        help="upload the finished files of a folder, oldest first, and move each to its subfolder done",
    )


def add_sending_arguments(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("sending").add_argument
    add(
        "--batch-size",
        type=parse_batch_size,
        metavar="N",
        help=f"entries per request; default {DEFAULT_BATCH_SIZE}, at most {MAX_BATCH_SIZE}, "
        f"for --download {MAX_PAGE_SIZE}",
    )
    add(
        "--strict",
        dest="is_strict",
        action="store_true",
        help="store a file as a whole; if an entry is rejected or the file is suspicious, store nothing",
    )
    add("--rejects", type=Path, metavar="FILE", help="write rejects here, not to FILE.rejected.ndjson")
    add("--retries", type=parse_count, metavar="N", help="retries per request; default 5")
    add(
        "--timeout",
        dest="timeouts",
        type=parse_timeouts,
        metavar="C,R",
        help=f"seconds to connect, and to wait for each part of a response; default {DEFAULT_TIMEOUTS}",
    )
    seconds: dict[str, Any] = {"type": parse_seconds, "metavar": "SECONDS"}
    add("--deadline", dest="deadline_seconds", **seconds, help="end the run after this time, with status 75")
    add(
        "--lock-wait",
        dest="lock_wait_seconds",
        **seconds,
        help="how long to wait while another run uploads the same file or folder",
    )


def add_correcting_arguments(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("correcting").add_argument
    add(
        "--correct",
        dest="is_correction",
        action="store_true",
        help="FILE has the entries as they should be, each with its entry_id: correct those that differ; "
        "0 hours withdraw an entry",
    )
    add(
        "--withdraw",
        dest="withdrawal",
        type=parse_upload,
        metavar="UPLOAD",
        help="withdraw the entries that this upload created; UPLOAD is its number, as in GET /uploads/17",
    )
    add("--reason", type=parse_reason, metavar="TEXT", help="why, kept with each correction; required")


def add_downloading_arguments(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("downloading").add_argument
    add(
        "--download",
        type=Path,
        metavar="FILE",
        help="write this client's current entries to a new FILE, as CSV or NDJSON by its suffix, to edit and "
        "upload with --correct; run again, it continues",
    )
    add(
        "--since",
        type=parse_since,
        metavar="DATE",
        help="download the entries of this date or later, such as 2026-06-01; required",
    )


def read_options(arguments: Mapping[str, Any]) -> Options:
    """The options. Those that the command line does not set have their defaults."""
    given = {
        each.name: arguments[each.name] for each in fields(Options) if arguments.get(each.name) is not None
    }
    converted = {"format": Format(given["format"]), "derives_ids": given["derives_ids"] == "on"}
    return Options(**(given | converted))


def parse_zone(name: str) -> tzinfo:
    if zone := find_zone(name):
        return zone
    raise ArgumentTypeError(f"{name!r} is not a time zone such as Europe/Berlin")


def parse_batch_size(text: str) -> int:
    size = parse_count(text)
    if not 1 <= size <= MAX_BATCH_SIZE:
        raise ArgumentTypeError(f"must be between 1 and {MAX_BATCH_SIZE:,}, not {text}")
    return size


def parse_count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise ArgumentTypeError(f"must be a whole number, not {text!r}")
    return int(text)


def parse_hours(text: str) -> Decimal:
    try:
        return read_hours(text)
    except Malformed as error:
        raise ArgumentTypeError(str(error)) from None


def parse_upload(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > MAX_UPLOAD_DIGITS:
        raise ArgumentTypeError(f"must be the number of an upload, such as 17, not {text!r}")
    return int(text)


def parse_reason(text: str) -> str:
    reason = text.strip()
    if not 1 <= len(reason) <= MAX_REASON_LENGTH:
        raise ArgumentTypeError(f"must have 1 to {MAX_REASON_LENGTH} characters")
    # Bytes that are not UTF-8 arrive as surrogates.
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in reason):
        raise ArgumentTypeError("must be UTF-8 on one line, without control characters")
    return reason


def parse_since(text: str) -> str:
    try:
        since = read_date(text, None)
        year = datetime.fromisoformat(since).year
    except (Malformed, ValueError):
        year = 0
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ArgumentTypeError(
            "must be a date such as 2026-06-01, or a time with its offset from UTC such as "
            f"2026-06-01T08:00:00+02:00, not {text!r}"
        )
    return since


def parse_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise ArgumentTypeError(f"must be a number of seconds, not {text!r}")
    return seconds


def parse_timeouts(text: str) -> Timeouts:
    connect, _, read = text.partition(",")
    connect_seconds, read_seconds = parse_seconds(connect), parse_seconds(read)
    if not connect_seconds or not read_seconds:
        raise ArgumentTypeError(f"must be two numbers of seconds above 0, such as {DEFAULT_TIMEOUTS}")
    # A response may arrive in several parts.
    total_seconds = max(Timeouts().total_seconds, 2 * read_seconds)
    return Timeouts(connect_seconds=connect_seconds, read_seconds=read_seconds, total_seconds=total_seconds)
