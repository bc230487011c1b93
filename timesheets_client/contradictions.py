"""Refuse options that exclude each other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from timesheets_client.arguments import Options
from timesheets_client.errors import WrongUsage
from timesheets_client.reading.inputs import STANDARD_INPUT, Format

# A run does one of these.
ACTIONS = (
    *("--dry-run", "--preview", "--check", "--forget-token", "--spool", "--download", "--maps"),
    *("--example", "--uploads", "--missing"),
)
# What each cannot be used with.
EXCLUDED: Mapping[str, str] = {
    "--replace": "--correct --withdraw --download --dry-run --preview --forget-token --spool --strict "
    "--rejects --dedupe",
    "--download": "FILE --correct --withdraw --strict --rejects --dedupe --expect-entries --expect-hours",
    "--withdraw": "FILE --correct --dry-run --preview --forget-token --spool --strict --rejects",
    "--correct": "--dry-run --preview --forget-token --spool --strict",
    "--spool": "FILE",
    "--forget-token": "FILE",
    "--maps": "FILE --map",
    "--uploads": "FILE --correct --withdraw --replace",
    "--missing": "FILE --correct --withdraw --replace --strict --rejects --dedupe",
    "--example": "FILE --withdraw --strict --rejects",
}
# Each of the first needs one of the second.
NEEDED = (
    ("--reason", "--correct --withdraw --replace", "only --correct, --withdraw and --replace keep a reason"),
    ("--correct --withdraw --replace", "--reason", "say why with --reason TEXT"),
    ("--correct", "FILE", "name the FILE with the corrected entries"),
    ("--replace", "FILE", "name the FILE with all entries of these days"),
    ("--max-loss", "--replace", "only --replace can lose hours"),
    ("--label", "--uploads", "only --uploads takes the label of uploads"),
    ("--since", "--download", "only --download takes a date"),
    ("--download", "--since", "say from which date on, such as --since 2026-06-01"),
    ("--dry-run --preview", "FILE", "name the FILE to read"),
    ("--sheet", "FILE --spool", "name the FILE to read, or its folder with --spool"),
    ("--map", "FILE --spool --check", "name the FILE to upload, or its folder with --spool"),
)


def reject_contradictions(options: Options) -> None:
    """Raise WrongUsage for options that exclude each other."""
    problems = find_contradictions(options.given), find_unusable_files(options), find_unusable_values(options)
    for problem in chain.from_iterable(problems):
        raise WrongUsage(problem)


def require_task(options: Options) -> None:
    """Raise WrongUsage if there is nothing to do, as when a variable of a cron line is empty."""
    if not find(("FILE", "--withdraw", *ACTIONS), options.given):
        raise WrongUsage("name the FILE to upload; --example uploads the tutorial's one entry instead")


def find_contradictions(given: Sequence[str]) -> Iterator[str]:
    if len(chosen := find(ACTIONS, given)) > 1:
        yield f"{' and '.join(chosen)}: choose one of them"
    for word in find(EXCLUDED, given):
        if others := find(EXCLUDED[word].split(), given):
            yield f"{word}: cannot be used with {' or '.join(others)}"
    for words, needed, advice in NEEDED:
        if not find(needed.split(), given):
            yield from (f"{word}: {advice}" for word in find(words.split(), given))


def find(words: Iterable[str], given: Sequence[str]) -> list[str]:
    return [word for word in words if word in given]


def find_unusable_files(options: Options) -> Iterator[str]:
    files = options.files
    if options.rejects and len(files) > 1:
        yield "--rejects: takes only one FILE; without it, each FILE has its own rejects file"
    if options.replaced_days and len(files) > 1:
        yield "--replace: takes only one FILE, which has everything of these days"
    if len(files) != 1 and (options.expected_entries, options.expected_hours) != (None, None):
        yield "--expect-entries, --expect-hours: name the one FILE that has these totals"
    if files.count(STANDARD_INPUT) > 1:
        yield "-: standard input can be read only once"


def find_unusable_values(options: Options) -> Iterator[str]:
    if options.spool and not options.derives_ids:
        yield "--dedupe off: a spool folder's files are sent until all is stored, which needs ids"
    if options.spool and options.rejects:
        yield "--rejects: a spool folder keeps them in its own subfolder rejected"
    if options.sheets and options.format not in (Format.AUTO, Format.XLSX):
        yield f"--sheet: only a workbook has sheets, not --format {options.format}"
    if str(options.download) == STANDARD_INPUT:
        yield "--download: name a file; on standard output a download could not be continued"
    if options.download and options.download_format is None:
        yield "--download: name a file that ends in .csv or .ndjson, or choose --format csv or ndjson"
