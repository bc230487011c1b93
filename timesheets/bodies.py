"""Take the bytes of a request from the wire: as many as announced, unzipped, and no more than fit."""

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
    Overloaded,
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
# A thread may hold a body of this size, unzipped, whatever the others do. Larger ones need one of few places.
MAX_BYTES_WITHOUT_A_PLACE = 256 * 1024
PLACES = 4
PATIENCE_SECONDS = 5.0
LIMITS = {"entries": MAX_ENTRIES, "bytes": MAX_BYTES, "unzipped_bytes": MAX_UNZIPPED_BYTES}

_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
# RFC 9110 section 8.4.1: x-gzip is an old name of gzip.
_GZIP = frozenset({"gzip", "x-gzip"})
# How much of a body is unzipped in one step: a step copies what it finds behind a member.
_STEP_BYTES = 64 * 1024
_IDENTITY = frozenset({"", "identity"})
# One thread runs at a time, so more places would cost memory and save no time.
_places = threading.BoundedSemaphore(PLACES)


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


@contextmanager
def open_body(request: HttpRequest, caller: Hashable) -> Iterator[bytes]:
    """The body, judged in the order encoding, length, size, number on their way, completeness.

    It is open for as long as the block parses it, and few large bodies are open at once. Raises Overloaded
    for one that finds no place in time.
    """
    is_zipped = _read_encoding(request) in _GZIP
    body = _receive(request, caller)
    content = _unzip(body, MAX_BYTES_WITHOUT_A_PLACE) if is_zipped else body
    if len(content) <= MAX_BYTES_WITHOUT_A_PLACE:
        yield content
        return
    with _take_a_place():
        yield _unzip_within_limit(body) if is_zipped else body


def _read_encoding(request: HttpRequest) -> str:
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _GZIP | _IDENTITY:
        raise UnsupportedMediaType("Send the body as it is, or with Content-Encoding: gzip.")
    return encoding


def _receive(request: HttpRequest, caller: Hashable) -> bytes:
    length = _read_length(request)
    try:
        with _arrivals.admit(caller):
            body = request.read(length)
    except OSError:
        # The connection broke while the body was on its way.
        raise IncompleteBody from None
    if len(body) < length:
        raise IncompleteBody
    return body


@contextmanager
def _take_a_place() -> Iterator[None]:
    if not _places.acquire(timeout=PATIENCE_SECONDS):
        raise Overloaded
    try:
        yield
    finally:
        _places.release()


def _read_length(request: HttpRequest) -> int:
    announced = request.META.get("CONTENT_LENGTH", "")
    if not _LENGTH.fullmatch(announced):
        raise LengthRequired
    if int(announced) > MAX_BYTES:
        raise TooLarge(f"The body is over {MAX_BYTES} bytes. Send less at once.", limits=LIMITS)
    return int(announced)


def _unzip_within_limit(body: bytes) -> bytes:
    content = _unzip(body, MAX_UNZIPPED_BYTES)
    if len(content) > MAX_UNZIPPED_BYTES:
        raise TooLarge(
            f"The body is over {MAX_UNZIPPED_BYTES} bytes once unzipped. Send less at once.", limits=LIMITS
        )
    return content


def _unzip(body: bytes, limit: int) -> bytes:
    """The content of one or more members of gzip (RFC 1952 section 2.2), up to a byte beyond the limit."""
    if not body:
        raise MalformedBody("The body is empty, and not even gzip of nothing.")
    zipped, content = io.BytesIO(body), io.BytesIO()
    members, following = 0, zipped.read(_STEP_BYTES)
    while following and content.tell() <= limit:
        members += 1
        if members > MAX_GZIP_MEMBERS:
            raise MalformedBody(f"The body is over {MAX_GZIP_MEMBERS} members of gzip.")
        try:
            following = _unzip_member(following, zipped, content, limit)
        except zlib.error:
            raise MalformedBody("The body is not gzip, or was damaged on the way.") from None
        following = _skip_padding(following, zipped)
    return content.getvalue()


def _unzip_member(zipped: bytes, more: io.BytesIO, content: io.BytesIO, limit: int) -> bytes:
    """Add a member's content, up to a byte beyond the limit, and return what was read behind it."""
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    while not member.eof and content.tell() <= limit:
        zipped = zipped or more.read(_STEP_BYTES)
        if not zipped:
            raise MalformedBody("The gzip of the body ends early.")
        content.write(member.decompress(zipped, limit + 1 - content.tell()))
        zipped = member.unconsumed_tail
    return member.unused_data


def _skip_padding(zipped: bytes, more: io.BytesIO) -> bytes:
    """What follows zeros, as some programs write them behind a member; nothing at the end of the body."""
    zipped = zipped.lstrip(b"\0")
    while not zipped and (zipped := more.read(_STEP_BYTES)):
        zipped = zipped.lstrip(b"\0")
    return zipped
