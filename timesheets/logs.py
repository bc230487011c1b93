"""What every log line carries, the request's id, and what none may carry, a token."""

import logging
import re
from contextvars import ContextVar

# Set when a request begins and left standing when it ends, since Django and the HTTP server log
# the answer after the last middleware has returned it.
current_request_id: ContextVar[str] = ContextVar("current_request_id", default="-")

# What begins like a JWT, whatever follows: the base64url of `{"`, and at least one dot.
_TOKEN = re.compile(r"eyJ[\w+/=-]*(?:\.[\w+/=-]*)+", re.ASCII)
_TOKEN_PARAMETER = re.compile(r"(access_token=)[^&\s\"']+", re.ASCII)


class RequestIdFilter(logging.Filter):
    """Give each record the id of the request that it belongs to, `-` outside of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_request_id.get()
        return True


class RefusalFilter(logging.Filter):
    """Make an expected refusal one line: Django logs some as errors, and with a traceback.

    Django's records about an answer have its status; one below 500 is the caller's mistake.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", 500) < 500:
            record.exc_info = None
            record.levelno = min(record.levelno, logging.WARNING)
            record.levelname = logging.getLevelName(record.levelno)
        return True


class RedactingFormatter(logging.Formatter):
    """Write a record without any token that a path, a query string or a traceback may hold.

    Nothing of ours logs a token. This is for what others log: an HTTP server its request lines,
    Django the paths it does not know.
    """

    def format(self, record: logging.LogRecord) -> str:
        return redact_tokens(super().format(record))


def redact_tokens(text: str) -> str:
    return _TOKEN_PARAMETER.sub(r"\1[token]", _TOKEN.sub("[token]", text))
