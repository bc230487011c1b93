"""Refuse options that exclude each other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from timesheets_client.arguments import Options
from timesheets_client.errors import WrongUsage

# A run does one of these.
ACTIONS = (
    *("--dry-run", "--preview", "--check", "--forget-token", "--spool", "--download", "--maps"),
    *("--example", "--uploads", "--missing", *(CORRECTIONS := ("--correct", "--withdraw", "--replace"))),
)
# What each cannot be used with.
EXCLUDED: Mapping[str, str] = {
    "--replace": "--strict --rejects --dedupe",
    "--download": "FILE --strict --rejects --dedupe",
    "--withdraw": "FILE --strict --rejects",
    "--correct": "--strict",
    "--spool": "FILE --rejects --dedupe",
    "--forget-token": "FILE",
    "--maps": "FILE --map",
    "--uploads": "FILE",
    "--missing": "FILE --strict --rejects --dedupe",
    "--example": "FILE --strict --rejects",
}
# What is about one FILE.
FOR_ONE_FILE = ("--rejects", "--replace", "--expect-entries", "--expect-hours")
# Each of the first needs one of the second.
NEEDED = (
    ("--reason", "--correct --withdraw --replace"),
    ("--correct --withdraw --replace", "--reason"),
    ("--correct --replace --dry-run --preview --expect-entries --expect-hours", "FILE"),
    ("--sheet", "FILE --spool"),
    ("--map", "FILE --spool --check"),
    ("--max-loss", "--replace"),
    ("--label", "--uploads"),
    ("--since", "--download"),
    ("--download", "--since"),
)


def reject_contradictions(options: Options) -> None:
    """Raise WrongUsage for options that exclude each other."""
    for problem in find_contradictions(options):
        raise WrongUsage(problem)


def require_task(options: Options) -> None:
    """Raise WrongUsage if there is nothing to do, as when a variable of a cron line is empty."""
    if not find(("FILE", *ACTIONS), options.given):
        raise WrongUsage("name the FILE to upload; --example uploads the tutorial's one entry instead")


def find_contradictions(options: Options) -> Iterator[str]:
    given = options.given
    chosen = find(ACTIONS, given)
    # With --check, a correction shows what it would do.
    if len(set(chosen) - {"--check"} if find(CORRECTIONS, given) else chosen) > 1:
        yield f"{' and '.join(chosen)}: choose one of them"
    for word in find(EXCLUDED, given):
        if others := find(EXCLUDED[word].split(), given):
            yield f"{word}: cannot be used with {' or '.join(others)}"
    for words, needed in NEEDED:
        if not find(needed.split(), given):
            advice = f"needs {needed.replace(' ', ' or ')}"
            yield from (f"{word}: {advice}" for word in find(words.split(), given))
    if len(options.files) > 1:
        yield from (f"{word}: takes only one FILE" for word in find(FOR_ONE_FILE, given))
    if options.download and options.download_format is None:
        yield "--download: name a file that ends in .csv or .ndjson, or choose --format csv or ndjson"


def find(words: Iterable[str], given: Sequence[str]) -> list[str]:
    return [word for word in words if word in given]
