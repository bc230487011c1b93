"""What can end an upload, and the exit status of each (after BSD's sysexits).

UploadError
├── WrongUsage            2  what was asked for cannot be done in this way
├── EntriesRejected      65  the API refuses the entry itself
├── InputUnreadable      66  a file is missing, or is not what it should be
├── TemporaryFailure     75  the same run may succeed later
│   └── NothingSent      75  not a byte of the request reached the server
├── DiskFull             75  there is no room for what has to be written
├── InputInUse           75  another run is uploading the same
├── AnswerLost           75  nobody knows what became of entries that cannot be sent twice
├── AccessRefused        77  the issuer or the API refuses this client
└── ConfigurationError   78  a setting is missing or wrong

Terminated              143  not an error of the upload, so no `except Exception` holds it up
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum


class ExitStatus(IntEnum):
    DONE = 0
    BUG = 1
    USAGE = 2
    REJECTED = 65
    UNREADABLE = 66
    TEMPORARY = 75
    REFUSED = 77
    CONFIGURATION = 78
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS: Mapping[ExitStatus, str] = {
    ExitStatus.DONE: "everything is on the server",
    ExitStatus.BUG: "a bug in this command",
    ExitStatus.USAGE: "wrong usage",
    ExitStatus.REJECTED: "some entries were rejected, the rest is stored",
    ExitStatus.UNREADABLE: "an input file is missing or cannot be read",
    ExitStatus.TEMPORARY: "a temporary failure, nothing is lost: run it again later",
    ExitStatus.REFUSED: "the issuer or the API refuses the credentials, the audience or the scope",
    ExitStatus.CONFIGURATION: "a setting is missing or wrong",
    ExitStatus.INTERRUPTED: "stopped by SIGINT",
    ExitStatus.TERMINATED: "stopped by SIGTERM",
}

PRECEDENCE = (
    ExitStatus.BUG,
    ExitStatus.TERMINATED,
    ExitStatus.INTERRUPTED,
    ExitStatus.USAGE,
    ExitStatus.CONFIGURATION,
    ExitStatus.REFUSED,
    ExitStatus.TEMPORARY,
    ExitStatus.UNREADABLE,
    ExitStatus.REJECTED,
    ExitStatus.DONE,
)


def choose_status(statuses: Iterable[ExitStatus]) -> ExitStatus:
    """The one that a run ends with whose parts ended with these: what a person must act on first."""
    return min(statuses, key=PRECEDENCE.index, default=ExitStatus.DONE)


class UploadError(Exception):
    """Its message is what the user reads: what is wrong, where, and what to do next."""

    exit_status: ExitStatus


class WrongUsage(UploadError):
    exit_status = ExitStatus.USAGE


class EntriesRejected(UploadError):
    exit_status = ExitStatus.REJECTED


class InputUnreadable(UploadError):
    exit_status = ExitStatus.UNREADABLE


class TemporaryFailure(UploadError):
    """`reason` says what happened, in a sentence without the advice that follows it in the message."""

    exit_status = ExitStatus.TEMPORARY

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason or message


class NothingSent(TemporaryFailure):
    """No connection came about, so whatever was to be sent can be sent again."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason} This request was not sent; run it again later.", reason)


class DiskFull(UploadError):
    exit_status = ExitStatus.TEMPORARY


class InputInUse(UploadError):
    exit_status = ExitStatus.TEMPORARY


class AnswerLost(UploadError):
    """Not a TemporaryFailure: whoever tries those again must not do it with this."""

    exit_status = ExitStatus.TEMPORARY


class AccessRefused(UploadError):
    exit_status = ExitStatus.REFUSED


class ConfigurationError(UploadError):
    exit_status = ExitStatus.CONFIGURATION


class Terminated(BaseException):
    """SIGTERM arrived."""
