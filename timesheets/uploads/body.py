"""Read the entries of an upload from the request body: receive it, unzip it within limits, parse it."""

import hashlib
import io
import re
import zlib
from collections.abc import Callable, Hashable, Mapping
from contextlib import nullcontext
from datetime import tzinfo
from functools import partial
from typing import cast

from django.http import HttpRequest
from rest_framework.request import Request

from timesheets.exceptions import (
    IncompleteBody,
    LengthRequired,
    MalformedBody,
    TooLarge,
    UnsupportedMediaType,
)
from timesheets.parsers import (
    LIMITS,
    MAX_BYTES,
    MAX_UNZIPPED_BYTES,
    Upload,
    read_csv,
    read_json,
    read_ndjson,
    read_workbook,
)
from timesheets.trust.principals import MachineClient
from timesheets.uploads.concurrency import MAX_SMALL_BODY_BYTES, large_bodies, occupy, receive, workbooks
from timesheets_files.dates import DateFormat
from timesheets_files.strict_json import MAX_VALUES, TooManyValues

_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
# Each member takes time, even an empty one.
MAX_GZIP_MEMBERS = 1000
# In steps of so many bytes, because zlib copies what follows a member in its input.
_STEP_BYTES = 64 * 1024
_NO_PADDING = re.compile(rb"[^\0]")
# RFC 9110, section 8.4.1: x-gzip is an old name of gzip.
_IS_ZIPPED = {"": False, "identity": False, "gzip": True, "x-gzip": True}

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_ENTRY_READERS: Mapping[str, Callable[[bytes], Upload]] = {
    "application/json": read_json,
    "application/x-ndjson": read_ndjson,
    "application/ndjson": read_ndjson,
    "application/jsonl": read_ndjson,
}
# What they make of dates depends on parameters.
TABLE_READERS: Mapping[str, Callable[[bytes, DateFormat, tzinfo | None], Upload]] = {
    "text/csv": read_csv,
    WORKBOOK: read_workbook,
}


def read_upload(request: Request, date_format: DateFormat, zone: tzinfo | None) -> Upload:
    """The upload in the body. Checks media type, encoding, length, size and content, in this order.

    `date_format` and `zone` say how to read the dates of a table.

    DRF's `request.data` would turn an empty body into an empty object and accept a truncated one.
    """
    http_request = request._request  # noqa: SLF001  DRF has no public access to the raw bytes.
    media_type = _require_media_type(http_request)
    client = cast("MachineClient", request.user)
    body, is_zipped = _receive(http_request, client.caller)
    try:
        upload = _parse(body, media_type, is_zipped, date_format, zone)
    except TooManyValues:
        raise TooLarge(
            f"The body has more than {MAX_VALUES} values. Send less at once.", limits=LIMITS
        ) from None
    if upload.is_single:
        return upload
    return upload._replace(
        media_type=media_type,
        byte_count=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
    )


def _require_media_type(request: HttpRequest) -> str:
    media_type = request.content_type or ""
    if media_type not in _ENTRY_READERS and media_type not in TABLE_READERS:
        raise UnsupportedMediaType(
            f"Send entries as application/json, application/x-ndjson, {' or '.join(TABLE_READERS)}."
        )
    if (request.content_params or {}).get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType("Send the body in UTF-8.")
    return media_type


def _receive(request: HttpRequest, caller: Hashable) -> tuple[bytes, bool]:
    """The body as it was sent, and whether it is zipped."""
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    is_zipped = _IS_ZIPPED.get(encoding)
    if is_zipped is None:
        raise UnsupportedMediaType("Send the body uncompressed, or with Content-Encoding: gzip.")
    length = read_length(request)
    if length is None:
        raise LengthRequired
    if length > MAX_BYTES:
        raise TooLarge(f"The body is larger than {MAX_BYTES} bytes. Send less at once.", limits=LIMITS)
    body = receive(partial(request.read, length), caller)
    if len(body) < length:
        raise IncompleteBody
    return body, is_zipped


def _parse(
    body: bytes, media_type: str, is_zipped: bool, date_format: DateFormat, zone: tzinfo | None
) -> Upload:
    """The upload. A large one occupies one of a few slots meanwhile."""
    content = _unzip(body, MAX_SMALL_BODY_BYTES) if is_zipped else body
    is_large = len(content) > MAX_SMALL_BODY_BYTES
    with occupy(large_bodies) if is_large else nullcontext():
        if is_large and is_zipped:
            content = _unzip(body, MAX_UNZIPPED_BYTES)
            if len(content) > MAX_UNZIPPED_BYTES:
                raise TooLarge(
                    f"The unzipped body is larger than {MAX_UNZIPPED_BYTES} bytes. Send less at once.",
                    limits=LIMITS,
                )
        if media_type in _ENTRY_READERS:
            return _ENTRY_READERS[media_type](content)
        with occupy(workbooks) if media_type == WORKBOOK else nullcontext():
            return TABLE_READERS[media_type](content, date_format, zone)


def read_length(request: HttpRequest) -> int | None:
    """Content-Length in bytes; None if it is absent or not a number."""
    length = request.META.get("CONTENT_LENGTH", "")
    return int(length) if _LENGTH.fullmatch(length) else None


def _unzip(body: bytes, limit: int) -> bytes:
    """The content of all gzip members (RFC 1952, section 2.2), cut off one byte beyond the limit.

    Raises MalformedBody.
    """
    content, position = io.BytesIO(), 0
    for _ in range(MAX_GZIP_MEMBERS):
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            while (
                not member.eof
                and content.tell() <= limit
                and (step := body[position : position + _STEP_BYTES])
            ):
                content.write(member.decompress(step, limit + 1 - content.tell()))
                position += len(step)
        except zlib.error:
            raise MalformedBody("The body is not gzip, or it was damaged in transit.") from None
        if content.tell() > limit:
            return content.getvalue()
        if not member.eof:
            raise MalformedBody("The gzip data of the body ends early.")
        # Some programs append zeros to a member.
        following = _NO_PADDING.search(body, position - len(member.unused_data))
        if following is None:
            return content.getvalue()
        position = following.start()
    raise MalformedBody(f"The body has more than {MAX_GZIP_MEMBERS} gzip members.")
