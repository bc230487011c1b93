"""One run from the variables to the exit status, which is decided here and nowhere else."""

from functools import partial

from timesheets_client.check_up import check_up
from timesheets_client.dry_runs import read_files
from timesheets_client.environment.config import load_config
from timesheets_client.errors import ExitStatus, UploadError
from timesheets_client.files.named import upload_named_files
from timesheets_client.files.spool import upload_spool
from timesheets_client.options import Options, require_sense
from timesheets_client.output.report import Report
from timesheets_client.runs import Run, Surroundings, open_run
from timesheets_client.sending.single_entry import TUTORIAL_ENTRY, upload_entry
from timesheets_client.signals import await_status


def run_upload(options: Options, surroundings: Surroundings, report: Report) -> ExitStatus:
    """Do what `options` ask for and report; whatever happens comes back as an exit status."""
    status = await_status(partial(guard, options, surroundings, report))
    report.finish(status)
    return status


def guard(options: Options, surroundings: Surroundings, report: Report) -> ExitStatus:
    try:
        status = perform(options, surroundings, report)
    except UploadError as error:
        report.tell_problem(str(error))
        status = error.exit_status
    except Exception as error:  # noqa: BLE001  A bug has an exit status too, and a report without secrets.
        report.tell_bug(error)
        status = ExitStatus.BUG
    surroundings.signals.raise_pending()
    return status


def perform(options: Options, surroundings: Surroundings, report: Report) -> ExitStatus:
    require_sense(options)
    if options.is_dry_run:
        return read_files(options, surroundings.stdin, report)
    if options.is_check:
        return check_up(options, surroundings, report)
    config = load_config(surroundings.environment, surroundings.development)
    with open_run(options, surroundings, report, config) as run:
        return upload(run)


def upload(run: Run) -> ExitStatus:
    if run.options.forgets_token:
        run.tokens.forget()
    elif run.options.spool:
        return upload_spool(run.options.spool, run)
    elif run.options.files:
        return upload_named_files(run)
    else:
        key = run.surroundings.make_key()
        run.report.tell_receipt(upload_entry(run.client, TUTORIAL_ENTRY, key))
    return ExitStatus.DONE
