"""Add the request id to every log line, and redact tokens."""

import logging
import re
from contextvars import ContextVar

# A request sets it and does not reset it, because Django and the HTTP server log the response after the
# outermost middleware has returned it.
current_request_id: ContextVar[str] = ContextVar("current_request_id", default="-")

# Everything that begins like a JWT: the base64url of `{"`, and at least one dot.
_TOKEN = re.compile(r"eyJ[\w+/=-]*(?:\.[\w+/=-]*)+", re.ASCII)
_TOKEN_PARAMETER = re.compile(r"(access_token=)[^&\s\"']+", re.ASCII)


class RequestIdFilter(logging.Filter):
    """Adds the id of the current request to each record, or `-` outside a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_request_id.get()
        return True


class RefusalFilter(logging.Filter):
    """Logs a refusal as a one-line warning. Django logs some refusals as errors with a traceback.

    Django's records about a response carry its status; below 500, the caller is wrong.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", 500) < 500:
            record.exc_info = None
            record.levelno = min(record.levelno, logging.WARNING)
            record.levelname = logging.getLevelName(record.levelno)
        return True


class RedactingFormatter(logging.Formatter):
    """Redacts every token in a record: in a path, a query string or a traceback.

    This project logs no tokens, but HTTP servers log request lines and Django logs unknown paths.
    """

    def format(self, record: logging.LogRecord) -> str:
        return redact_tokens(super().format(record))


def redact_tokens(text: str) -> str:
    return _TOKEN_PARAMETER.sub(r"\1[token]", _TOKEN.sub("[token]", text))
