"""One run, from the options to the exit status."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from timesheets_client.arguments import Options
from timesheets_client.checks import preflight, read_files
from timesheets_client.context import Environment, RunContext, open_context
from timesheets_client.environment.config import has_settings, load_config
from timesheets_client.errors import ExitStatus, UploadError, WrongUsage
from timesheets_client.files.downloads import download_entries
from timesheets_client.files.replacement import replace_days
from timesheets_client.files.spool import upload_spool
from timesheets_client.files.uploads import upload_files
from timesheets_client.lists import show_missing, show_uploads
from timesheets_client.output.report import Report
from timesheets_client.reading.inputs import STANDARD_INPUT
from timesheets_client.reading.maps.shipped import describe_maps
from timesheets_client.sending.uploads import TUTORIAL_ENTRY, upload_entry
from timesheets_client.signals import catch_signals
from timesheets_client.withdrawal import withdraw_upload

TASKS: Mapping[str, Callable[[RunContext], ExitStatus]] = {
    "--uploads": show_uploads,
    "--missing": show_missing,
    "--download": download_entries,
    "--withdraw": withdraw_upload,
    "--replace": lambda context: replace_days(context.options.files[0], context),
    "--spool": lambda context: upload_spool(context.options.spool or Path(), context),
    "FILE": upload_files,
}
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


def run_upload(options: Options, environment: Environment, report: Report) -> ExitStatus:
    """Run and report. Every error and signal becomes an exit status."""

    def attempt() -> ExitStatus:
        try:
            status = perform(options, environment, report)
        except UploadError as error:
            report.show_problem(str(error))
            status = error.exit_status
        except Exception as error:  # noqa: BLE001  A bug has an exit status too, and its report shows no secret.
            report.show_bug(error)
            status = ExitStatus.BUG
        environment.signals.raise_pending()
        return status

    status = catch_signals(attempt)
    report.finish(status)
    return status


def perform(options: Options, environment: Environment, report: Report) -> ExitStatus:
    for problem in find_contradictions(options):
        raise WrongUsage(problem)
    if shown := options.shown_map:
        report.show_lines(describe_maps() if shown.is_dir() else shown.read_text("utf-8").splitlines())
        return ExitStatus.DONE
    if options.map_file is not None:
        # Only a map needs tomllib and these rules.
        from timesheets_client.reading.maps.files import load_map

        options = replace(options, entry_map=load_map(options.map_file, options.time_zone))
    if options.is_dry_run or options.is_preview:
        return read_files(options, environment, report)
    if options.is_check:
        return preflight(options, environment, report)
    # As when a variable of a cron line is empty.
    if has_settings(environment.variables) and not find(("FILE", *ACTIONS), options.given):
        raise WrongUsage("name the FILE to upload; --example uploads the tutorial's one entry instead")
    config = load_config(environment.variables, environment.development)
    with open_context(options, environment, report, config) as context:
        if options.reason is not None:
            # Without the scope to correct, nothing is read.
            context.tokens.obtain()
        return upload(context)


def upload(context: RunContext) -> ExitStatus:
    for flag in find(TASKS, context.options.given):
        return TASKS[flag](context)
    if context.options.forgets_token:
        context.tokens.forget()
    else:
        message = upload_entry(context.client, TUTORIAL_ENTRY, context.environment.make_key())
        context.report.results["message"] = message
        context.report.show(message)
    return ExitStatus.DONE


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
    yield from find_unusable_files(options)
    if options.download and options.download_format is None:
        yield "--download: name a file that ends in .csv or .ndjson, or choose --format csv or ndjson"


def find_unusable_files(options: Options) -> Iterator[str]:
    if len(options.files) > 1:
        yield from (f"{word}: takes only one FILE" for word in find(FOR_ONE_FILE, options.given))
    if options.files.count(STANDARD_INPUT) > 1:
        yield "-: standard input can be read only once"


def find(words: Iterable[str], given: Sequence[str]) -> list[str]:
    return [word for word in words if word in given]
