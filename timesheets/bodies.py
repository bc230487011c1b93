"""Take the bytes of a request from the wire: as many as announced, unzipped, and no more than fit."""

import gzip
import io
import re
import zlib

from django.http import HttpRequest

from timesheets.exceptions import (
    IncompleteBody,
    LengthRequired,
    MalformedBody,
    TooLarge,
    UnsupportedMediaType,
)

MAX_BYTES = 8 * 1024 * 1024
MAX_UNZIPPED_BYTES = 16 * 1024 * 1024
MAX_ENTRIES = 10_000
# Each costs time, though it may hold nothing.
MAX_GZIP_MEMBERS = 1000
LIMITS = {"entries": MAX_ENTRIES, "bytes": MAX_BYTES, "unzipped_bytes": MAX_UNZIPPED_BYTES}

_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
# RFC 9110 section 8.4.1: x-gzip is an old name of gzip.
_GZIP = frozenset({"gzip", "x-gzip"})
_GZIP_MAGIC = b"\x1f\x8b\x08"
_IDENTITY = frozenset({"", "identity"})


def read_body(request: HttpRequest) -> bytes:
    """The body, judged in the order encoding, length, size, completeness."""
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _GZIP | _IDENTITY:
        raise UnsupportedMediaType("Send the body as it is, or with Content-Encoding: gzip.")
    length = _read_length(request)
    try:
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
