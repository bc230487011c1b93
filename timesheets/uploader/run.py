"""One run from the variables to the exit status, which is decided here and nowhere else."""

from collections.abc import Callable, Mapping

from timesheets.uploader.client import Receipt, Upload, upload_entry
from timesheets.uploader.config import UploaderConfig, load_config
from timesheets.uploader.errors import ExitStatus, Terminated, UploadError
from timesheets.uploader.exchange import Timeouts, open_session
from timesheets.uploader.report import Report
from timesheets.uploader.tokens import request_access_token

TUTORIAL_ENTRY: Mapping[str, object] = {
    "user_id": "007",
    "date": "2017-05-10T17:40:20.095Z",
    "project": "StoreZero",
    "hours": 5,
}


def run_upload(
    environment: Mapping[str, str],
    development: Mapping[str, str],
    *,
    report: Report,
    make_key: Callable[[], str],
    timeouts: Timeouts,
) -> ExitStatus:
    """Upload the tutorial's entry and report; whatever happens comes back as an exit status."""
    try:
        config = load_config(environment, development)
        report.tell_receipt(upload_tutorial_entry(config, make_key(), timeouts))
        return ExitStatus.DONE
    except UploadError as error:
        report.tell_problem(str(error))
        return error.exit_status
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except Terminated:
        return ExitStatus.TERMINATED
    except Exception as error:  # noqa: BLE001  A bug has an exit status too, and a report without secrets.
        report.tell_bug(error)
        return ExitStatus.BUG


def upload_tutorial_entry(config: UploaderConfig, idempotency_key: str, timeouts: Timeouts) -> Receipt:
    upload = Upload(url=config.upload_url, entry=TUTORIAL_ENTRY, idempotency_key=idempotency_key)
    with open_session() as session:
        token = request_access_token(session, config, timeouts)
        return upload_entry(session, upload, token, timeouts)
