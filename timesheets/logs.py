"""Add the request id to every log line, redact tokens, and write lines as text or as JSON."""

import json
import logging
import re
import threading
from collections import deque
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

# A request sets it and does not reset it, because Django and the HTTP server log the response after the
# outermost middleware has returned it.
current_request_id: ContextVar[str] = ContextVar("current_request_id", default="-")

# Everything that begins like a JWT: the base64url of `{"`. A JWT has at least one dot, but to require it here
# would take quadratic time.
_TOKEN = re.compile(r"eyJ[\w+/=.-]*+", re.ASCII)
_TOKEN_PARAMETER = re.compile(r"(access_token=|[?&]code=)[^&\s\"']+", re.ASCII)
# Hardly any line has what these two find, so a look for it comes first.
_BEGINNINGS = ("eyJ", "access_token=", "code=")

# No line shows its place in the code, its thread, its process or its task, so no record looks them up.
logging._srcfile = None  # noqa: SLF001  Documented for this purpose (Logging HOWTO, Optimization).
for _switch in ("logThreads", "logProcesses", "logMultiprocessing", "logAsyncioTasks"):
    setattr(logging, _switch, False)


def judge_record(record: logging.LogRecord) -> bool:
    """Make a refusal a warning without its traceback, and drop what the access line says too.

    Django's records about a response carry its status; below 500, the caller is wrong. The line about an
    error that a view raised stays, because it has the traceback.
    """
    if getattr(record, "status_code", 500) < 500:
        record.exc_info = None
        record.levelno = min(record.levelno, logging.WARNING)
        record.levelname = logging.getLevelName(record.levelno)
    return record.name != "django.request" or bool(record.exc_info)


class SharedStreamHandler(logging.StreamHandler[Any]):
    """Writes the lines of all threads to standard error, each line whole, without a queue of threads.

    A write lets other threads run, and they may hold Python for long. So while one thread writes, the others
    leave their lines to it. A record with `is_followed` is written with the next one of its thread.
    """

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(judge_record)
        self._lines: deque[str] = deque()
        self._is_writing = threading.Lock()

    def handle(self, record: logging.LogRecord) -> bool:
        """As in the standard library, but without its lock, for which threads would wait during a write."""
        is_wanted = bool(self.filter(record))
        if is_wanted:
            self.emit(record)
        return is_wanted

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(f"{self.format(record)}{self.terminator}")
        if getattr(record, "is_followed", False):
            return
        # A line that arrives after the last look is written by its own thread, or by this one.
        while self._lines and self._is_writing.acquire(blocking=False):
            try:
                self.stream.write("".join(self._take_lines()))
            except Exception:  # noqa: BLE001  As in the standard library, a full disk fails no request.
                self.handleError(record)
            finally:
                self._is_writing.release()

    def _take_lines(self) -> Iterator[str]:
        while self._lines:
            yield self._lines.popleft()


class RedactingFormatter(logging.Formatter):
    """Redacts every token in a record: in a path, a query string or a traceback. Adds the id of the request.

    This project logs no tokens, but HTTP servers log request lines and Django logs unknown paths.
    """

    def format(self, record: logging.LogRecord) -> str:
        record.request_id = current_request_id.get()
        return redact_tokens(super().format(record))


class JSONFormatter(logging.Formatter):
    """Writes a record as one ASCII line of JSON, with the record's `fields` as members. Redacts tokens.

    Other attributes are left out: Django attaches the request, with its query string and headers.
    """

    def format(self, record: logging.LogRecord) -> str:
        members = {
            "time": f"{_write_second(int(record.created))}.{int(record.msecs):03d}+00:00",
            "level": record.levelname,
            "logger": record.name,
            "request_id": current_request_id.get(),
            "message": redact_tokens(record.getMessage()),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            members["exc_info"] = redact_tokens(self.formatException(record.exc_info))
        return _encode(members)


_encode = json.JSONEncoder(default=str).encode


@lru_cache(maxsize=8)
def _write_second(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"


def redact_tokens(text: str, mark: str = "[token]") -> str:
    if not any(beginning in text for beginning in _BEGINNINGS):
        return text
    text = _TOKEN.sub(lambda found: mark if "." in found[0] else found[0], text)
    return _TOKEN_PARAMETER.sub(rf"\1{mark}", text)
