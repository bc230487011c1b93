"""The errors that end an upload, with their exit statuses (BSD's sysexits).

UploadError
├── WrongUsage            2  the options or files cannot be used in this way
├── EntriesRejected      65  the API refuses an entry, or a file is not what was announced
├── InputUnreadable      66  a file is missing or cannot be read
│   └── DateOrderInDoubt 65  dates of a file only fit with day and month swapped
├── TemporaryFailure     75  the same run may succeed later
│   └── NothingSent      75  not a byte of the request reached the server
├── FileUnavailable      75  there is no space for a file, or Windows does not move it while it is open
├── InputInUse           75  another run works on the same input
├── AnswerLost           75  it is unknown whether entries that cannot be sent twice were stored
├── AccessRefused        77  the issuer or the API refuses this client
└── ConfigurationError   78  a setting is missing or wrong
    ├── FileBlocked      78  a link, a folder or a missing permission is in the way of a file
    └── ParameterRefused 78  the API does not know a parameter, or refuses its value

Terminated              143  no UploadError and no Exception, so that no handler stops it
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import Self


class ExitStatus(IntEnum):
    """In order of precedence, the one that a person must act on first, with what each means."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> Self:
        status = int.__new__(cls, value)
        status._value_ = value
        status.meaning = meaning
        return status

    BUG = 1, "a bug in this command"
    TERMINATED = 143, "stopped by SIGTERM"
    INTERRUPTED = 130, "stopped by SIGINT"
    USAGE = 2, "wrong usage"
    CONFIGURATION = 78, "a setting is missing or wrong"
    REFUSED = 77, "the issuer or the API refuses the credentials, the audience or the scope"
    TEMPORARY = 75, "a temporary failure, nothing is lost: run it again later"
    UNREADABLE = 66, "an input file is missing or cannot be read"
    REJECTED = 65, "some entries were rejected, the rest is stored"
    DONE = 0, "everything is on the server"


def choose_status(statuses: Iterable[ExitStatus]) -> ExitStatus:
    """The exit status of a run whose parts ended with these."""
    return min(statuses, key=list(ExitStatus).index, default=ExitStatus.DONE)


class UploadError(Exception):
    """Its message tells the user what is wrong, where, and what to do next; `reason` only what is wrong."""

    exit_status: ExitStatus

    def __init__(self, message: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason or message


class WrongUsage(UploadError):
    exit_status = ExitStatus.USAGE


class EntriesRejected(UploadError):
    exit_status = ExitStatus.REJECTED


class InputUnreadable(UploadError):
    exit_status = ExitStatus.UNREADABLE


class DateOrderInDoubt(InputUnreadable):
    exit_status = ExitStatus.REJECTED


class TemporaryFailure(UploadError):
    exit_status = ExitStatus.TEMPORARY


class NothingSent(TemporaryFailure):
    """There was no connection, so the request can be sent again."""


class FileUnavailable(UploadError):
    exit_status = ExitStatus.TEMPORARY


class InputInUse(UploadError):
    exit_status = ExitStatus.TEMPORARY


class AnswerLost(UploadError):
    """Not a TemporaryFailure, because these are retried."""

    exit_status = ExitStatus.TEMPORARY


class AccessRefused(UploadError):
    exit_status = ExitStatus.REFUSED


class ConfigurationError(UploadError):
    exit_status = ExitStatus.CONFIGURATION


class FileBlocked(ConfigurationError):
    pass


class ParameterRefused(ConfigurationError):
    """`reason` is what the API says."""


class Terminated(BaseException):
    """SIGTERM arrived."""


# They concern one file. The other files of the run can still be uploaded.
FILE_ERRORS = (InputUnreadable, InputInUse, FileUnavailable, FileBlocked, WrongUsage)
