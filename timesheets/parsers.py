"""From the bytes of a request to the JSON value that they stand for."""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import IO, Any, NoReturn

from django.http import HttpRequest
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from timesheets.exceptions import (
    IncompleteBody,
    LengthRequired,
    MalformedBody,
    TooLarge,
    UnsupportedMediaType,
)
from timesheets.serializers import REPEATED

MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 32

_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
_STRINGS_AND_BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]', re.DOTALL)


class EntryParser(BaseParser):
    """Read one JSON value (RFC 8259), more strictly than Python's `json` does."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        return parse_json(stream.read())


def read_entry(request: Request) -> dict[str, Any]:
    """The JSON object of the body, read in the contract's order: media type, encoding, length, size, body.

    DRF's `request.data` would take an empty body for `{}`, and a cut one for a whole one.
    """
    http_request = request._request  # noqa: SLF001  DRF has no public way to the bytes as they came.
    _require_json(http_request)
    length = _read_length(http_request)
    body = http_request.read(length)
    if len(body) < length:
        raise IncompleteBody
    value = parse_json(body)
    if not isinstance(value, dict):
        raise MalformedBody("The body is not a JSON object.")
    return value


def parse_json(body: bytes) -> Any:
    """The value of a JSON text. Numbers are Decimals; a member that comes twice has the value REPEATED.

    Raises MalformedBody for what is not JSON: syntax, UTF-8, a BOM, NaN and Infinity, lone surrogates,
    more than 32 levels.
    """
    try:
        text = body.decode("utf-8")
        _require_shallow(text)
        value = json.loads(
            text,
            object_pairs_hook=_mark_repeated_members,
            parse_float=_read_number,
            parse_int=_read_number,
            parse_constant=_refuse_constant,
        )
        # A lone surrogate, which JSON can spell, has no UTF-8.
        json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBody(f"The body is not UTF-8: byte {error.start} is out of place.") from None
    except UnicodeEncodeError:
        raise MalformedBody("The body is not JSON: it escapes half of a surrogate pair.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise MalformedBody(f"The body is not JSON: {error.msg} at {where}.") from None
    except _NotJSON as error:
        raise MalformedBody(f"The body is not JSON: {error}.") from None
    return value


class _NotJSON(Exception):
    """Python's `json` would take it, RFC 8259 or our limits do not."""


def _require_json(request: HttpRequest) -> None:
    if request.content_type != EntryParser.media_type:
        raise UnsupportedMediaType(f"Send the entry as {EntryParser.media_type}.")
    if (request.content_params or {}).get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType("Send the entry in UTF-8.")
    if request.headers.get("Content-Encoding", "").strip().lower() not in {"", "identity"}:
        raise UnsupportedMediaType("Send the entry as it is, without a Content-Encoding.")


def _read_length(request: HttpRequest) -> int:
    announced = request.META.get("CONTENT_LENGTH", "")
    if not _LENGTH.fullmatch(announced):
        raise LengthRequired
    length = int(announced)
    if length > MAX_BODY_BYTES:
        limits = {"bytes": MAX_BODY_BYTES}
        raise TooLarge(f"The body is over {MAX_BODY_BYTES} bytes. Send less at once.", limits=limits)
    return length


def _require_shallow(text: str) -> None:
    """Refuse deep nesting before Python's parser, which recurses, meets it."""
    depth = 0
    for match in _STRINGS_AND_BRACKETS.finditer(text):
        if match[0] in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise _NotJSON(f"more than {MAX_DEPTH} levels deep")
        elif match[0] in "]}":
            depth -= 1


def _mark_repeated_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    names = [name for name, _ in pairs]
    return {name: REPEATED if names.count(name) > 1 else value for name, value in pairs}


def _read_number(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:
        # JSON, but an exponent beyond what Decimal holds: no hours, whichever way it is judged.
        return Decimal("Infinity")


def _refuse_constant(name: str) -> NoReturn:
    raise _NotJSON(f"{name} is no JSON number")
