"""The command line: what each argument may be, and what it says about itself."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from timesheets_client.errors import WrongUsage
from timesheets_client.network.exchange import Timeouts
from timesheets_client.reading.inputs import STANDARD_INPUT, Format

DEFAULT_TIMEOUTS = "10,60"
DEFAULT_BATCH_SIZE = 1_000
MAX_BATCH_SIZE = 10_000


@dataclass(frozen=True, kw_only=True)
class Options:
    """The command line, parsed. Without `files` and `spool` the tutorial's entry is uploaded."""

    files: Sequence[str] = ()
    spool: Path | None = None
    format: Format = Format.AUTO
    time_zone: tzinfo | None = None
    derives_ids: bool = True
    batch_size: int = DEFAULT_BATCH_SIZE
    is_strict: bool = False
    rejects: Path | None = None
    lock_wait_seconds: float = 0
    is_dry_run: bool = False
    is_check: bool = False
    forgets_token: bool = False
    caches_token: bool = True
    retries: int = 5
    deadline_seconds: float | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)


def reject_contradictions(options: Options) -> None:
    """Raise WrongUsage for what cannot be meant together."""
    actions = {
        "--dry-run": options.is_dry_run,
        "--check": options.is_check,
        "--forget-token": options.forgets_token,
        "--spool": options.spool is not None,
    }
    chosen = [name for name, is_chosen in actions.items() if is_chosen]
    if len(chosen) > 1:
        raise WrongUsage(f"{' and '.join(chosen)}: choose one of them")
    if options.files and (options.spool or options.forgets_token):
        raise WrongUsage(f"{chosen[0]} takes no FILE")
    if options.spool and not options.derives_ids:
        raise WrongUsage("--dedupe off: a spool folder's files are sent until all is stored, which needs ids")
    if options.rejects and len(options.files) > 1:
        raise WrongUsage("--rejects: name one FILE with it; without it each has a file of its own")
    if options.rejects and options.spool:
        raise WrongUsage("--rejects: a spool folder has a place of its own for them, its folder rejected")
    if options.is_dry_run and not options.files:
        raise WrongUsage("--dry-run: name the FILE to read")
    if options.files.count(STANDARD_INPUT) > 1:
        raise WrongUsage("-: standard input can be read once only")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help="what to upload; - is standard input")
    reading = parser.add_argument_group("reading")
    reading.add_argument(
        "--format",
        choices=[each.value for each in Format],
        default=Format.AUTO.value,
        help="what the files are; auto goes by the name's end, else by the first byte",
    )
    reading.add_argument(
        "--time-zone",
        type=parse_zone,
        metavar="ZONE",
        help="the zone of times that have no offset, such as Europe/Berlin; without it they are rejected",
    )
    reading.add_argument(
        "--dedupe",
        choices=["on", "off"],
        default="on",
        help="off: derive no ids, so that equal rows of several files are several entries; then nothing "
        "may be sent twice, and a lost answer ends the run",
    )
    reading.add_argument(
        "--spool",
        type=Path,
        metavar="DIR",
        help="upload the finished files of a folder, oldest first, and move them to its folder done",
    )
    add_sending_arguments(parser)
    add_other_arguments(parser)


def add_sending_arguments(parser: ArgumentParser) -> None:
    sending = parser.add_argument_group("sending")
    sending.add_argument(
        "--batch-size",
        type=parse_batch_size,
        default=DEFAULT_BATCH_SIZE,
        metavar="N",
        help=f"entries in one request: {DEFAULT_BATCH_SIZE}, at most {MAX_BATCH_SIZE}",
    )
    sending.add_argument(
        "--strict",
        action="store_true",
        help="store a file as a whole or, if one entry is rejected or the file is suspicious, not at all",
    )
    sending.add_argument(
        "--rejects",
        type=Path,
        metavar="FILE",
        help="where rejected entries go, instead of FILE.rejected.ndjson",
    )
    sending.add_argument(
        "--retries",
        type=parse_count,
        default=5,
        metavar="N",
        help="how often a request is tried again; 5 by default",
    )
    sending.add_argument(
        "--timeout",
        type=parse_timeouts,
        default=DEFAULT_TIMEOUTS,
        metavar="C,R",
        help=f"seconds to connect, and to wait for a piece of an answer; {DEFAULT_TIMEOUTS} by default",
    )
    sending.add_argument(
        "--deadline",
        type=parse_seconds,
        metavar="SECONDS",
        help="give up after so long in all, with exit status 75",
    )
    sending.add_argument(
        "--lock-wait",
        type=parse_seconds,
        default=0.0,
        metavar="SECONDS",
        help="how long to wait for another run on the same file or folder",
    )


def add_other_arguments(parser: ArgumentParser) -> None:
    looking = parser.add_argument_group("looking before leaping")
    looking.add_argument(
        "--dry-run", action="store_true", help="read the files and say what is wrong; needs no settings"
    )
    looking.add_argument(
        "--check",
        action="store_true",
        help="try settings, token and API, with FILE its entries; store nothing",
    )
    parser.add_argument("--forget-token", action="store_true", help="remove the token that is kept, and end")
    parser.add_argument(
        "--no-token-cache", action="store_true", help="get a new token and do not keep it for the next run"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def read_options(arguments: Mapping[str, Any]) -> Options:
    return Options(
        files=arguments["files"],
        spool=arguments["spool"],
        format=Format(arguments["format"]),
        time_zone=arguments["time_zone"],
        derives_ids=arguments["dedupe"] == "on",
        batch_size=arguments["batch_size"],
        is_strict=arguments["strict"],
        rejects=arguments["rejects"],
        lock_wait_seconds=arguments["lock_wait"],
        is_dry_run=arguments["dry_run"],
        is_check=arguments["check"],
        forgets_token=arguments["forget_token"],
        caches_token=not arguments["no_token_cache"],
        retries=arguments["retries"],
        deadline_seconds=arguments["deadline"],
        timeouts=arguments["timeout"],
    )


def parse_zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ArgumentTypeError(f"{name!r} is not a time zone such as Europe/Berlin") from None


def parse_batch_size(text: str) -> int:
    size = parse_count(text)
    if not 1 <= size <= MAX_BATCH_SIZE:
        raise ArgumentTypeError(f"must be between 1 and {MAX_BATCH_SIZE:,}, not {text}")
    return size


def parse_count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise ArgumentTypeError(f"must be a whole number, not {text!r}")
    return int(text)


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
    # An answer may come in pieces.
    total_seconds = max(Timeouts().total_seconds, 2 * read_seconds)
    return Timeouts(connect_seconds=connect_seconds, read_seconds=read_seconds, total_seconds=total_seconds)
