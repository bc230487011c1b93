"""Read an upload from the wire: as many bytes as announced, unzipped, no more than fit, as entries."""

import io
import re
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import cast

from django.http import HttpRequest
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from timesheets.exceptions import (
    IncompleteBody,
    LengthRequired,
    Overloaded,
    TooLarge,
    UnsupportedMediaType,
)
from timesheets.formats.strict_csv import TooManyCells
from timesheets.formats.strict_json import MAX_VALUES, TooManyValues
from timesheets.parsers import (
    LIMITS,
    MAX_BYTES,
    MAX_UNZIPPED_BYTES,
    CSVParser,
    JSONParser,
    NDJSONParser,
    Upload,
)
from timesheets.trust.principals import MachineClient
from timesheets.uploads.arrivals import arrivals
from timesheets.uploads.unzipping import unzip

# A thread may hold a body of this size, unzipped, whatever the others do. Larger ones need one of few places.
MAX_SMALL_BODY_BYTES = 256 * 1024
LARGE_BODY_SLOTS = 4
PATIENCE_SECONDS = 5.0

_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
# RFC 9110 section 8.4.1: x-gzip is an old name of gzip.
_GZIP = frozenset({"gzip", "x-gzip"})
_IDENTITY = frozenset({"", "identity"})
# One thread runs at a time, so more places would cost memory and save no time.
_places = threading.BoundedSemaphore(LARGE_BODY_SLOTS)

_PARSERS: Mapping[str, Callable[[], BaseParser]] = {
    "application/json": JSONParser,
    "application/x-ndjson": NDJSONParser,
    "application/ndjson": NDJSONParser,
    "application/jsonl": NDJSONParser,
    "text/csv": CSVParser,
}


def read_upload(request: Request) -> Upload:
    """What the request uploads, judged in order: media type, encoding, length, size, body.

    DRF's `request.data` would take an empty body for an empty object, and a cut one for a whole one.
    """
    http_request = request._request  # noqa: SLF001  DRF has no public way to the bytes as they came.
    parser = _choose_parser(http_request)
    client = cast("MachineClient", request.user)
    try:
        with open_body(http_request, (client.issuer, client.client_id)) as body:
            return cast("Upload", parser().parse(io.BytesIO(body)))
    except (TooManyValues, TooManyCells):
        raise TooLarge(
            f"The body holds over {MAX_VALUES} values. Send less at once.", limits=LIMITS
        ) from None


def _choose_parser(request: HttpRequest) -> Callable[[], BaseParser]:
    parser = _PARSERS.get(request.content_type or "")
    if parser is None:
        raise UnsupportedMediaType("Send entries as application/json, application/x-ndjson or text/csv.")
    if (request.content_params or {}).get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType("Send the body in UTF-8.")
    return parser


@contextmanager
def open_body(request: HttpRequest, caller: Hashable) -> Iterator[bytes]:
    """The body, judged in the order encoding, length, size, number on their way, completeness.

    It is open for as long as the block parses it, and few large bodies are open at once. Raises Overloaded
    for one that finds no place in time.
    """
    is_zipped = _read_encoding(request) in _GZIP
    body = _receive(request, caller)
    content = unzip(body, MAX_SMALL_BODY_BYTES) if is_zipped else body
    if len(content) <= MAX_SMALL_BODY_BYTES:
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
        with arrivals.admit(caller):
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
    content = unzip(body, MAX_UNZIPPED_BYTES)
    if len(content) > MAX_UNZIPPED_BYTES:
        raise TooLarge(
            f"The body is over {MAX_UNZIPPED_BYTES} bytes once unzipped. Send less at once.", limits=LIMITS
        )
    return content
