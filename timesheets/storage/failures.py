"""Recognize that the database failed, and tell an operator why and what to do."""

from django.db import InterfaceError, InternalError, OperationalError

_READ_ONLY = "25006"
# By PostgreSQL's SQLSTATE, and by the beginning of SQLite's name of an error.
_ADVICE = {
    _READ_ONLY: "It is read-only, like a standby. Connect the API to the primary, or promote this server.",
    "53100": "Its disk is full. Free space on the disk of the database.",
    "53300": "It accepts no more connections. Raise max_connections, or run fewer workers.",
    "55P03": "Another transaction held a lock for too long. Find it with pg_blocking_pids().",
    "57014": "A statement took too long. See which ones run in pg_stat_activity.",
    "57P": "It stopped or restarts. See its own log.",
    "SQLITE_BUSY": "Another program held the lock of the file for too long. Find it with fuser.",
    "SQLITE_CANTOPEN": "The file cannot be opened. Check DATABASE_URL, and the permissions of the folder.",
    "SQLITE_FULL": "Its disk is full. Free space on the disk of the file.",
    "SQLITE_IOERR": "The disk reported an error. See the log of the system.",
    "SQLITE_READONLY": "The file is read-only. Check the permissions of the file and its folder.",
    "": "See its own log.",
}
# Without a code, the driver never got an answer. Class 08 is about connections.
_UNREACHABLE = "It cannot be reached, or the connection was lost. Check that it runs, and DATABASE_URL."


def is_database_failure(exc: Exception) -> bool:
    """True if the database is busy, lost or read-only, like a standby before it is promoted."""
    is_read_only = isinstance(exc, InternalError) and _read_code(exc) == _READ_ONLY
    return is_read_only or isinstance(exc, OperationalError | InterfaceError)


def explain_failure(failure: Exception) -> str:
    """Return one line: what happened, what to do, and the database's own words."""
    code = _read_code(failure)
    advice = next(text for beginning, text in _ADVICE.items() if code.startswith(beginning))
    if not code or code.startswith("08"):
        advice = _UNREACHABLE
    words = " ".join(str(failure).split()) or type(failure).__name__
    return f"{advice} ({words})"


def _read_code(exc: Exception) -> str:
    """The SQLSTATE or SQLite's name of the error; empty if the driver has neither."""
    cause = exc.__cause__
    return getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None) or ""
