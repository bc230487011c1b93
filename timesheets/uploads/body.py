"""Read the entries of an upload from the request body: receive it, unzip it within limits, parse it."""

import hashlib
import io
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import tzinfo
from typing import cast

from django.http import HttpRequest
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from timesheets import metrics
from timesheets.exceptions import IncompleteBody, LengthRequired, TooLarge, UnsupportedMediaType
from timesheets.parsers import (
    LIMITS,
    MAX_BYTES,
    MAX_UNZIPPED_BYTES,
    CSVParser,
    JSONParser,
    NDJSONParser,
    Upload,
    WorkbookParser,
)
from timesheets.trust.principals import MachineClient
from timesheets.uploads.concurrency import (
    MAX_SMALL_BODY_BYTES,
    limit_bodies_of,
    limit_large_bodies,
    limit_workbooks,
)
from timesheets.uploads.unzipping import unzip
from timesheets_files.dates import DateFormat
from timesheets_files.strict_json import MAX_VALUES, TooManyValues

_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
# RFC 9110, section 8.4.1: x-gzip is an old name of gzip.
_IS_ZIPPED = {"": False, "identity": False, "gzip": True, "x-gzip": True}

_ENTRY_PARSERS: Mapping[str, Callable[[], BaseParser]] = {
    "application/json": JSONParser,
    "application/x-ndjson": NDJSONParser,
    "application/ndjson": NDJSONParser,
    "application/jsonl": NDJSONParser,
}
# What they read depends on parameters.
TABLE_PARSERS: Mapping[str, Callable[[DateFormat, tzinfo | None], BaseParser]] = {
    CSVParser.media_type: CSVParser,
    WorkbookParser.media_type: WorkbookParser,
}


@dataclass(frozen=True, kw_only=True)
class Body:
    """A body as it was sent, and its unzipped content."""

    sent: bytes
    content: bytes


@dataclass(frozen=True, kw_only=True)
class ReceivedUpload(Upload):
    """A parsed body, and how it was sent. `sha256` is in hexadecimal, for receipts."""

    media_type: str
    byte_count: int
    sha256: str


def read_upload(request: Request, date_format: DateFormat, zone: tzinfo | None) -> ReceivedUpload:
    """The upload in the body. Checks media type, encoding, length, size and content, in this order.

    `date_format` and `zone` say how to read the dates of a table.

    DRF's `request.data` would turn an empty body into an empty object and accept a truncated one.
    """
    http_request = request._request  # noqa: SLF001  DRF has no public access to the raw bytes.
    parser = _choose_parser(http_request, date_format, zone)
    client = cast("MachineClient", request.user)
    try:
        with open_body(http_request, client.caller) as body:
            with limit_workbooks() if isinstance(parser, WorkbookParser) else nullcontext():
                upload = cast("Upload", parser.parse(io.BytesIO(body.content)))
            return ReceivedUpload(
                **vars(upload),
                media_type=str(http_request.content_type),
                byte_count=len(body.sent),
                sha256="" if upload.is_single else hashlib.sha256(body.sent).hexdigest(),
            )
    except TooManyValues:
        raise TooLarge(
            f"The body has more than {MAX_VALUES} values. Send less at once.", limits=LIMITS
        ) from None


def _choose_parser(request: HttpRequest, date_format: DateFormat, zone: tzinfo | None) -> BaseParser:
    media_type = request.content_type or ""
    if media_type in _ENTRY_PARSERS:
        parser = _ENTRY_PARSERS[media_type]()
    elif media_type in TABLE_PARSERS:
        parser = TABLE_PARSERS[media_type](date_format, zone)
    else:
        raise UnsupportedMediaType(
            f"Send entries as application/json, application/x-ndjson, {' or '.join(TABLE_PARSERS)}."
        )
    if (request.content_params or {}).get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType("Send the body in UTF-8.")
    return parser


@contextmanager
def open_body(request: HttpRequest, caller: Hashable) -> Iterator[Body]:
    """The body. While the block parses a large one, it occupies one of a few slots.

    Raises UnsupportedMediaType, LengthRequired, TooLarge, Throttled, IncompleteBody, MalformedBody or
    Overloaded.
    """
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    is_zipped = _IS_ZIPPED.get(encoding)
    if is_zipped is None:
        raise UnsupportedMediaType("Send the body uncompressed, or with Content-Encoding: gzip.")
    body = _receive(request, caller)
    content = unzip(body, MAX_SMALL_BODY_BYTES) if is_zipped else body
    if len(content) <= MAX_SMALL_BODY_BYTES:
        yield Body(sent=body, content=content)
        return
    with limit_large_bodies():
        yield Body(sent=body, content=_unzip_within_limit(body) if is_zipped else body)


def _receive(request: HttpRequest, caller: Hashable) -> bytes:
    length = _require_length(request)
    with limit_bodies_of(caller), metrics.track_wait():
        body = request.read(length)
    if len(body) < length:
        raise IncompleteBody
    return body


def _require_length(request: HttpRequest) -> int:
    length = read_length(request)
    if length is None:
        raise LengthRequired
    if length > MAX_BYTES:
        raise TooLarge(f"The body is larger than {MAX_BYTES} bytes. Send less at once.", limits=LIMITS)
    return length


def read_length(request: HttpRequest) -> int | None:
    """Content-Length in bytes; None if it is absent or not a number."""
    length = request.META.get("CONTENT_LENGTH", "")
    return int(length) if _LENGTH.fullmatch(length) else None


def _unzip_within_limit(body: bytes) -> bytes:
    content = unzip(body, MAX_UNZIPPED_BYTES)
    if len(content) > MAX_UNZIPPED_BYTES:
        raise TooLarge(
            f"The unzipped body is larger than {MAX_UNZIPPED_BYTES} bytes. Send less at once.", limits=LIMITS
        )
    return content
