"""Unzip a request body, and never more of it than is allowed."""

import io
import zlib

from timesheets.exceptions import MalformedBody

# Each costs time, though it may hold nothing.
MAX_GZIP_MEMBERS = 1000
# How much of a body is unzipped in one step: a step copies what it finds behind a member.
_STEP_BYTES = 64 * 1024


def unzip(body: bytes, limit: int) -> bytes:
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
