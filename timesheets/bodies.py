"""Take the bytes of a request from the wire: as many as announced, unzipped, and no more than fit."""

import gzip
import io
import re
import threading
import zlib
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

from timesheets.exceptions import (
    IncompleteBody,
    LengthRequired,
    MalformedBody,
    Throttled,
    TooLarge,
    UnsupportedMediaType,
)

MAX_BYTES = 8 * 1024 * 1024
MAX_UNZIPPED_BYTES = 16 * 1024 * 1024
MAX_ENTRIES = 10_000
MAX_FORM_BYTES = 16 * 1024
# WSGI has no time limit for a body: a thread waits until it is whole or the caller goes away. So no caller
# may hold more than half of a worker's threads, of which `manage.py serve` starts 64.
MAX_ARRIVALS = 32
# Each costs time, though it may hold nothing.
MAX_GZIP_MEMBERS = 1000
LIMITS = {"entries": MAX_ENTRIES, "bytes": MAX_BYTES, "unzipped_bytes": MAX_UNZIPPED_BYTES}

_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
# RFC 9110 section 8.4.1: x-gzip is an old name of gzip.
_GZIP = frozenset({"gzip", "x-gzip"})
_GZIP_MAGIC = b"\x1f\x8b\x08"
_IDENTITY = frozenset({"", "identity"})


class Arrivals:
    """Counts each caller's bodies that are on their way, and admits a limited number of them at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counts: Counter[Hashable] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def admit(self, caller: Hashable) -> Iterator[None]:
        """Run the block if the caller is below the limit. Raises Throttled otherwise."""
        with self._lock:
            if self._counts[caller] >= self._limit:
                raise Throttled
            self._counts[caller] += 1
        try:
            yield
        finally:
            with self._lock:
                self._counts[caller] -= 1
                # Without this the names of all callers would stay in memory.
                self._counts += Counter()


_arrivals = Arrivals(MAX_ARRIVALS)


class FileRefusal(FileUploadHandler):
    """Django's handler for the files of a multipart body: stops at the first one, since no form holds any."""

    def new_file(self, *_: Any, **__: Any) -> None:
        raise StopUpload(connection_reset=True)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Never called, but Django demands it."""

    def file_complete(self, file_size: int) -> None:
        """Never called, but Django demands it."""


def read_form(request: HttpRequest) -> None:
    """Take the body of a form, so that nothing after this waits for it. All strangers count as one caller.

    Raises TooLarge, Throttled or IncompleteBody.
    """
    announced = request.META.get("CONTENT_LENGTH", "")
    # Django takes what is not a number for 0.
    if _LENGTH.fullmatch(announced) and int(announced) > MAX_FORM_BYTES:
        raise TooLarge(f"A form may hold {MAX_FORM_BYTES} bytes.")
    try:
        with _arrivals.admit("strangers"):
            _ = request.body
    except OSError:
        raise IncompleteBody from None


def read_body(request: HttpRequest, caller: Hashable) -> bytes:
    """The body, judged in the order encoding, length, size, number on their way, completeness."""
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _GZIP | _IDENTITY:
        raise UnsupportedMediaType("Send the body as it is, or with Content-Encoding: gzip.")
    length = _read_length(request)
    try:
        with _arrivals.admit(caller):
            body = request.read(length)
    except OSError:
        # The connection broke while the body was on its way.
        raise IncompleteBody from None
    if len(body) < length:
        raise IncompleteBody
    return _unzip(body) if encoding in _GZIP else body


def _read_length(request: HttpRequest) -> int:
    announced = request.META.get("CONTENT_LENGTH", "")
    if not _LENGTH.fullmatch(announced):
        raise LengthRequired
    if int(announced) > MAX_BYTES:
        raise TooLarge(f"The body is over {MAX_BYTES} bytes. Send less at once.", limits=LIMITS)
    return int(announced)


def _unzip(body: bytes) -> bytes:
    """The content of one or more members of gzip (RFC 1952 section 2.2), without inflating a bomb."""
    if not body:
        raise MalformedBody("The body is empty, and not even gzip of nothing.")
    if body.count(_GZIP_MAGIC) > MAX_GZIP_MEMBERS:
        raise MalformedBody(f"The body is over {MAX_GZIP_MEMBERS} members of gzip.")
    try:
        unzipped = gzip.GzipFile(fileobj=io.BytesIO(body)).read(MAX_UNZIPPED_BYTES + 1)
    except EOFError:
        raise MalformedBody("The gzip of the body ends early.") from None
    except (OSError, zlib.error):
        raise MalformedBody("The body is not gzip, or was damaged on the way.") from None
    if len(unzipped) > MAX_UNZIPPED_BYTES:
        raise TooLarge(
            f"The body is over {MAX_UNZIPPED_BYTES} bytes once unzipped. Send less at once.", limits=LIMITS
        )
    return unzipped
