"""One run, from the options to the exit status."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from timesheets_client.arguments import Options
from timesheets_client.checks import preflight, read_files
from timesheets_client.context import Environment, RunContext, open_context
from timesheets_client.contradictions import find, reject_contradictions, require_task
from timesheets_client.environment.config import has_settings, load_config
from timesheets_client.errors import ExitStatus, UploadError
from timesheets_client.files.downloads import download_entries
from timesheets_client.files.replacement import replace_days
from timesheets_client.files.spool import upload_spool
from timesheets_client.files.uploads import upload_files
from timesheets_client.lists import show_missing, show_uploads
from timesheets_client.output.report import Report
from timesheets_client.reading.maps.shipped import describe_maps
from timesheets_client.sending.uploads import TUTORIAL_ENTRY, upload_entry
from timesheets_client.signals import catch_signals
from timesheets_client.withdrawal import withdraw_upload

# What reads the API rather than files.
TASKS: Mapping[str, Callable[[RunContext], ExitStatus]] = {
    "--uploads": show_uploads,
    "--missing": show_missing,
    "--download": download_entries,
    "--withdraw": withdraw_upload,
}


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
    reject_contradictions(options)
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
    if has_settings(environment.variables):
        require_task(options)
    config = load_config(environment.variables, environment.development)
    with open_context(options, environment, report, config) as context:
        if options.reason is not None:
            # Without the scope to correct, nothing is read.
            context.tokens.obtain()
        return upload(context)


def upload(context: RunContext) -> ExitStatus:
    for flag in find(TASKS, context.options.given):
        return TASKS[flag](context)
    if context.options.replaced_days is not None:
        return replace_days(context.options.files[0], context)
    if context.options.spool:
        return upload_spool(context.options.spool, context)
    if context.options.files:
        return upload_files(context)
    if context.options.forgets_token:
        context.tokens.forget()
    else:
        message = upload_entry(context.client, TUTORIAL_ENTRY, context.environment.make_key())
        context.report.results["message"] = message
        context.report.show(message)
    return ExitStatus.DONE
