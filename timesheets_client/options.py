"""What a run is asked to do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path

from timesheets_client.errors import WrongUsage
from timesheets_client.network.exchange import Timeouts
from timesheets_client.reading.inputs import STANDARD_INPUT, Format

ENTRIES_OF_A_BATCH = 1_000
ENTRIES_OF_A_BATCH_AT_MOST = 10_000


@dataclass(frozen=True, kw_only=True)
class Options:
    """The command line, parsed. Without `files` and `spool` the tutorial's entry is uploaded."""

    files: Sequence[str] = ()
    spool: Path | None = None
    format: Format = Format.AUTO
    time_zone: tzinfo | None = None
    dedupes: bool = True
    entries_of_a_batch: int = ENTRIES_OF_A_BATCH
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


def require_sense(options: Options) -> None:
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
    if options.spool and not options.dedupes:
        raise WrongUsage("--dedupe off: a spool folder's files are sent until all is stored, which needs ids")
    if options.rejects and len(options.files) > 1:
        raise WrongUsage("--rejects: name one FILE with it; without it each has a file of its own")
    if options.rejects and options.spool:
        raise WrongUsage("--rejects: a spool folder has a place of its own for them, its folder rejected")
    if options.is_dry_run and not options.files:
        raise WrongUsage("--dry-run: name the FILE to read")
    if options.files.count(STANDARD_INPUT) > 1:
        raise WrongUsage("-: standard input can be read once only")
