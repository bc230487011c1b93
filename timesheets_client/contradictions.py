"""Refuse options that exclude each other."""

from timesheets_client.arguments import Options
from timesheets_client.errors import WrongUsage
from timesheets_client.reading.inputs import STANDARD_INPUT, Format


def reject_contradictions(options: Options) -> None:
    """Raise WrongUsage for options that exclude each other."""
    actions = {
        "--dry-run": options.is_dry_run,
        "--preview": options.is_preview,
        "--check": options.is_check,
        "--forget-token": options.forgets_token,
        "--spool": options.spool is not None,
    }
    chosen = [name for name, is_chosen in actions.items() if is_chosen]
    if len(chosen) > 1:
        raise WrongUsage(f"{' and '.join(chosen)}: choose one of them")
    reject_contradictory_corrections(options)
    reject_contradictory_downloads(options)
    if options.files and (options.spool or options.forgets_token):
        raise WrongUsage(f"{chosen[0]} takes no FILE")
    if options.spool and not options.derives_ids:
        raise WrongUsage("--dedupe off: a spool folder's files are sent until all is stored, which needs ids")
    if options.rejects and options.spool:
        raise WrongUsage("--rejects: a spool folder keeps them in its own subfolder rejected")
    if options.sheets and options.format not in (Format.AUTO, Format.XLSX):
        raise WrongUsage(f"--sheet: only a workbook has sheets, not --format {options.format}")
    reject_files(options)


def reject_files(options: Options) -> None:
    """Raise WrongUsage if there are too few or too many files for an option."""
    if options.rejects and len(options.files) > 1:
        raise WrongUsage("--rejects: takes only one FILE; without it, each FILE has its own rejects file")
    expects_totals = options.expected_entries is not None or options.expected_hours is not None
    if expects_totals and len(options.files) != 1:
        raise WrongUsage("--expect-entries, --expect-hours: name the one FILE that has these totals")
    if (options.is_dry_run or options.is_preview) and not options.files:
        raise WrongUsage(f"{'--preview' if options.is_preview else '--dry-run'}: name the FILE to read")
    if options.map_file and not (options.files or options.spool or options.is_check):
        raise WrongUsage("--map: name the FILE to upload, or its folder with --spool")
    if options.sheets and not (options.files or options.spool):
        raise WrongUsage("--sheet: name the FILE to read, or its folder with --spool")
    if options.files.count(STANDARD_INPUT) > 1:
        raise WrongUsage("-: standard input can be read only once")


def reject_contradictory_corrections(options: Options) -> None:
    modes = {"--correct": options.is_correction, "--withdraw": options.withdrawal is not None}
    chosen = [name for name, is_chosen in modes.items() if is_chosen]
    if not chosen:
        if options.reason:
            raise WrongUsage("--reason: only --correct and --withdraw keep a reason")
        return
    others = {
        "--dry-run": options.is_dry_run,
        "--preview": options.is_preview,
        "--forget-token": options.forgets_token,
        "--spool": options.spool is not None,
        "--strict": options.is_strict,
    }
    if excluded := [*chosen[1:], *(name for name, is_given in others.items() if is_given)]:
        raise WrongUsage(f"{chosen[0]}: cannot be used with {' or '.join(excluded)}")
    if not options.reason:
        raise WrongUsage(f"{chosen[0]}: say why with --reason TEXT")
    if options.is_correction and not options.files:
        raise WrongUsage("--correct: name the FILE with the corrected entries")
    if options.withdrawal is not None and (options.files or options.rejects):
        raise WrongUsage("--withdraw: takes no FILE and no --rejects")


def reject_contradictory_downloads(options: Options) -> None:
    if options.download is None:
        if options.since:
            raise WrongUsage("--since: only --download takes a date")
        return
    others = {
        "FILE": bool(options.files),
        "--correct": options.is_correction,
        "--withdraw": options.withdrawal is not None,
        "--dry-run": options.is_dry_run,
        "--check": options.is_check,
        "--forget-token": options.forgets_token,
        "--spool": options.spool is not None,
        "--strict": options.is_strict,
        "--rejects": options.rejects is not None,
        "--dedupe off": not options.derives_ids,
        "--expect-entries": options.expected_entries is not None,
        "--expect-hours": options.expected_hours is not None,
    }
    if excluded := [name for name, is_given in others.items() if is_given]:
        raise WrongUsage(f"--download: cannot be used with {' or '.join(excluded)}")
    if not options.since:
        raise WrongUsage("--download: say from which date on, such as --since 2026-06-01")
    if str(options.download) == STANDARD_INPUT:
        raise WrongUsage("--download: name a file; on standard output a download could not be continued")
    if options.download_format is None:
        raise WrongUsage(
            "--download: name a file that ends in .csv or .ndjson, or choose --format csv or --format ndjson"
        )
