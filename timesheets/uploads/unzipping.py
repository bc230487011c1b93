"""Unzip a request body within a limit."""

import io
import zlib

from timesheets.exceptions import MalformedBody

# Each member takes time, even an empty one.
MAX_GZIP_MEMBERS = 1000
# The body is unzipped in steps of this size, because zlib copies what follows a member in its input.
_STEP_BYTES = 64 * 1024


def unzip(body: bytes, limit: int) -> bytes:
    """The content of all gzip members (RFC 1952, section 2.2), cut off one byte beyond the limit.

    Raises MalformedBody.
    """
    if not body:
        raise MalformedBody("The body is empty, so it is not gzip.")
    zipped, content = io.BytesIO(body), io.BytesIO()
    members, pending = 0, zipped.read(_STEP_BYTES)
    while pending and content.tell() <= limit:
        members += 1
        if members > MAX_GZIP_MEMBERS:
            raise MalformedBody(f"The body has more than {MAX_GZIP_MEMBERS} gzip members.")
        try:
            pending = _unzip_member(pending, zipped, content, limit)
        except zlib.error:
            raise MalformedBody("The body is not gzip, or it was damaged in transit.") from None
        pending = _skip_padding(pending, zipped)
    return content.getvalue()


def _unzip_member(pending: bytes, zipped: io.BytesIO, content: io.BytesIO, limit: int) -> bytes:
    """Append a member's content, up to one byte beyond the limit. Returns the input after the member."""
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    while not member.eof and content.tell() <= limit:
        pending = pending or zipped.read(_STEP_BYTES)
        if not pending:
            raise MalformedBody("The gzip data of the body ends early.")
        content.write(member.decompress(pending, limit + 1 - content.tell()))
        pending = member.unconsumed_tail
    return member.unused_data


def _skip_padding(pending: bytes, zipped: io.BytesIO) -> bytes:
    """The input after the zeros that some programs append to a member; empty at the end of the body."""
    pending = pending.lstrip(b"\0")
    while not pending and (pending := zipped.read(_STEP_BYTES)):
        pending = pending.lstrip(b"\0")
    return pending
