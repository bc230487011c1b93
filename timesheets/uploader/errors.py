"""What can end an upload, and the exit status of each (after BSD's sysexits).

UploadError
├── EntriesRejected      65  the API refuses the entry itself
├── TemporaryFailure     75  the same run may succeed later
├── AccessRefused        77  the issuer or the API refuses this client
└── ConfigurationError   78  a setting is missing or wrong

Terminated              143  not an error of the upload, so no `except Exception` holds it up
"""

from collections.abc import Mapping
from enum import IntEnum


class ExitStatus(IntEnum):
    DONE = 0
    BUG = 1
    USAGE = 2
    REJECTED = 65
    TEMPORARY = 75
    REFUSED = 77
    CONFIGURATION = 78
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS: Mapping[ExitStatus, str] = {
    ExitStatus.DONE: "everything is on the server",
    ExitStatus.BUG: "a bug in this command",
    ExitStatus.USAGE: "wrong usage",
    ExitStatus.REJECTED: "the API rejected the entry",
    ExitStatus.TEMPORARY: "a temporary failure: run it again later",
    ExitStatus.REFUSED: "the issuer or the API refuses the credentials, the audience or the scope",
    ExitStatus.CONFIGURATION: "a setting is missing or wrong",
    ExitStatus.INTERRUPTED: "stopped by SIGINT",
    ExitStatus.TERMINATED: "stopped by SIGTERM",
}


class UploadError(Exception):
    """Its message is what the user reads: what is wrong, where, and what to do next."""

    exit_status: ExitStatus


class EntriesRejected(UploadError):
    exit_status = ExitStatus.REJECTED


class TemporaryFailure(UploadError):
    exit_status = ExitStatus.TEMPORARY


class AccessRefused(UploadError):
    exit_status = ExitStatus.REFUSED


class ConfigurationError(UploadError):
    exit_status = ExitStatus.CONFIGURATION


class Terminated(BaseException):
    """SIGTERM arrived."""
