"""The command line: each option once, with its argument, and how both become values."""

import math
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import tzinfo
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from timesheets_client.access.issued_tokens import CORRECT_SCOPE, READ_SCOPE, UPLOAD_SCOPE
from timesheets_client.argument_values import DEFAULT_TIMEOUTS, MAX_BATCH_SIZE, read_value
from timesheets_client.network.exchange import DEFAULT_RETRIES, Timeouts
from timesheets_client.reading.inputs import Format
from timesheets_client.reading.maps.shipped import FOLDER
from timesheets_client.reading.table_files import TableOptions
from timesheets_files.dates import DateFormat
from timesheets_files.printable import escape

MAX_PAGE_SIZE = 1_000
DOWNLOAD_FORMATS = {".csv": Format.CSV, ".ndjson": Format.NDJSON, ".jsonl": Format.NDJSON}


def argument(group: str, words: str, text: str, default: Any = None, **how: Any) -> Any:
    """A field of Options, and the argument that sets it: `words` as in the help, and `text` as its help.

    The word after the flag says how a value is read. Without a word, the argument sets a truth value.
    """
    flag, _, metavar = words.partition(" ")
    if metavar:
        how |= {"metavar": metavar, "type": partial(read_value, metavar)}
    else:
        how["action"], default = ("store_false", True) if default else ("store_true", False)
    return field(default=default, metadata={"group": group, "flag": flag, "how": {"help": text, **how}})


reading, sending, correcting = (partial(argument, each) for each in ("reading", "sending", "correcting"))
downloading, checking = (partial(argument, each) for each in ("downloading", "checks before an upload"))
other = partial(argument, "")


@dataclass(frozen=True, kw_only=True)
class Options(TableOptions):
    """The parsed command line. No argument sets `entry_map`: the run reads it from the map file."""

    files: Sequence[str] = ()
    format: Format = reading(
        "--format auto|json|ndjson|csv|xlsx",
        "auto goes by the suffix, else by the first byte",
        Format.AUTO,
    )
    time_zone: tzinfo | None = reading(
        "--time-zone ZONE", "the zone of times without an offset, which are rejected without it"
    )
    date_format: DateFormat = reading(
        "--date-format iso|dmy|mdy",
        "dmy is 30.11.2026, mdy is 11/30/2026; default iso",
        DateFormat.ISO,
    )
    map_file: Path | None = reading(
        "--map MAP", "read another program's export: a map that --maps lists, or your own, as ./our.toml"
    )
    # A map that comes with the client, or the folder of all.
    shown_map: Path | None = reading(
        "--maps NAME", "list the maps of the client, or print one, to edit a copy", nargs="?", const=FOLDER
    )
    # Without any, all with our columns.
    sheets: Sequence[str] = reading(
        "--sheet SHEET", "read only this sheet, even if it is hidden; can be repeated", (), action="append"
    )
    derives_ids: bool = reading(
        "--dedupe on|off",
        "off: derive no ids, so that equal rows of several files are separate entries; "
        "disables retries, and stops if a response is lost",
        True,
    )
    spool: Path | None = reading(
        "--spool DIR", "upload the finished files of a folder, oldest first, and move each to done"
    )
    batch_size: int = sending(
        "--batch-size SIZE",
        f"entries per request; default 1000, at most {MAX_BATCH_SIZE}",
        1_000,
    )
    is_strict: bool = sending("--strict", "store nothing of a file that has rejects or looks incomplete")
    rejects: Path | None = sending("--rejects FILE", "write rejects here, not to FILE.rejected.ndjson")
    retries: int = sending("--retries N", f"retries per request; default {DEFAULT_RETRIES}", DEFAULT_RETRIES)
    timeouts: Timeouts = sending(
        "--timeout C,R",
        f"seconds to connect, and to wait for data; default {DEFAULT_TIMEOUTS}",
        Timeouts(),
    )
    deadline_seconds: float = sending(
        "--deadline SECONDS", "end the run after this time, with status 75", math.inf
    )
    lock_wait_seconds: float = sending(
        "--lock-wait SECONDS", "how long to wait while another run uploads the same file or folder", 0.0
    )
    is_correction: bool = correcting(
        "--correct", "FILE has the entries as they should be, with ids: correct those that differ"
    )
    # The number of the upload.
    withdrawal: int | None = correcting(
        "--withdraw UPLOAD", "withdraw what this upload created; --uploads lists its number"
    )
    # The first and the last day.
    replaced_days: tuple[str, str] | None = correcting(
        "--replace FROM..TO",
        "FILE has everything that its employees worked on these days, such as 2026-06-01..2026-06-30: "
        "create what is not stored, correct what differs and withdraw what is not in FILE",
    )
    max_loss: Decimal = correcting(
        "--max-loss PERCENT",
        "percent of the stored hours that FILE may lack; default 10",
        Decimal(10),
    )
    reason: str | None = correcting("--reason TEXT", "why; --correct, --withdraw and --replace need it")
    download: Path | None = downloading(
        "--download FILE",
        "write this client's current entries to a new FILE, as CSV or NDJSON by its suffix, to edit and "
        "upload with --correct; run again, it continues",
    )
    # A date, or a time with its offset, as the API reads it.
    since: str | None = downloading("--since DATE", "entries of this date or later; --download needs it")
    lists_uploads: bool = other("--uploads", "list the latest 20 uploads with their numbers")
    label: str | None = other("--label TEXT", "with --uploads, only those of this file, such as week23.csv")
    missing_week: str | None = other(
        "--missing WEEK", "list employees with too few hours in a week such as 2026-W23; exit with 65 if any"
    )
    is_dry_run: bool = checking("--dry-run", "check FILE locally, send nothing")
    is_preview: bool = checking("--preview", "the same, and show its first entries, totals and doubts")
    is_check: bool = checking("--check", "check settings, token, API and FILE")
    expected_entries: int | None = checking(
        "--expect-entries N", "send nothing of FILE, and exit with 65, unless it has N entries"
    )
    expected_hours: Decimal | None = checking(
        "--expect-hours H", "send nothing of FILE, and exit with 65, unless its hours add up to H"
    )
    uploads_example: bool = other("--example", "upload the tutorial's one entry; needs no FILE")
    forgets_token: bool = other("--forget-token", "delete the cached token and exit")
    caches_token: bool = other("--no-token-cache", "get a new token, cache nothing", True)

    @property
    def required_scopes(self) -> tuple[str, ...]:
        """The scopes that the access token must grant."""
        if self.download or self.lists_uploads or self.missing_week is not None:
            return (READ_SCOPE,)
        if self.withdrawal is not None or self.replaced_days is not None:
            return (UPLOAD_SCOPE, CORRECT_SCOPE, READ_SCOPE)
        return (UPLOAD_SCOPE, CORRECT_SCOPE) if self.is_correction else (UPLOAD_SCOPE,)

    @property
    def ignores_revisions(self) -> bool:
        """Whether the run has the revisions and reasons of all entries."""
        return self.is_correction or self.replaced_days is not None

    @property
    def download_format(self) -> Format | None:
        """The format of the file to write; None if that cannot be written."""
        suffix = self.download.suffix.lower() if self.download else ""
        found = DOWNLOAD_FORMATS.get(suffix) if self.format is Format.AUTO else self.format
        return found if found in DOWNLOAD_FORMATS.values() else None

    @property
    def given(self) -> Sequence[str]:
        """The arguments that differ from their defaults, with FILE for files, in the order of the help."""
        flags = [each.metadata["flag"] for each in OPTION_FIELDS if getattr(self, each.name) != each.default]
        return [*["FILE"] * bool(self.files), *flags]


OPTION_FIELDS = [each for each in fields(Options) if each.metadata]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments. Each except --json is stored under the name of a field of Options."""
    # The shell may expand *.csv to a file name that looks like an option.
    parser.error = lambda message: type(parser).error(parser, escape(message))  # type: ignore[method-assign]
    parser.add_argument("files", nargs="*", metavar="FILE", help="a file to upload; - is standard input")
    groups: dict[str, Any] = {"": parser}
    for each in OPTION_FIELDS:
        name = each.metadata["group"]
        group = groups.setdefault(name, groups.get(name) or parser.add_argument_group(name))
        group.add_argument(each.metadata["flag"], dest=each.name, default=None, **each.metadata["how"])
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def read_options(arguments: Mapping[str, Any]) -> Options:
    """The options. Those that the command line does not set have their defaults."""
    names = [each.name for each in fields(Options)]
    return Options(**{name: arguments[name] for name in names if arguments.get(name) is not None})
