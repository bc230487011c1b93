"""Parse a signed JWT strictly, without trusting it. Knows no key and no web framework."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

_BASE64URL = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
# The last character encodes 6 bits, of which 4 or 2 may be unused, depending on the length of the part. They
# must be zero; otherwise one token would have many spellings.
_LAST_CHARACTERS = {
    0: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    2: "AQgw",
    3: "AEIMQUYcgkosw048",
}


class TokenMalformed(Exception):
    """This is not a signed JWT. The message says why, and contains no text from it."""


@dataclass(frozen=True, kw_only=True)
class UnverifiedToken:
    """The content of a token that any caller may have written."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def read_unverified_token(text: str) -> UnverifiedToken:
    """The header and claims of a compact JWS (RFC 7515 section 7.1). Raises TokenMalformed."""
    parts = text.split(".")
    if len(parts) != 3:
        raise TokenMalformed("it does not have three parts separated by dots")
    for part in parts:
        _require_base64url(part)
    header, claims, _ = parts
    return UnverifiedToken(header=_read_object(header), claims=_read_object(claims))


def _require_base64url(part: str) -> None:
    """Require base64url as in RFC 7515 section 2: no padding, no line breaks, no stray bits."""
    if not _BASE64URL.fullmatch(part):
        raise TokenMalformed("a part is empty or not base64url")
    if part[-1] not in _LAST_CHARACTERS.get(len(part) % 4, ""):
        raise TokenMalformed("a part has stray bits at its end")


def _read_object(part: str) -> Mapping[str, Any]:
    """An I-JSON object (RFC 7493), which every parser reads in the same way."""
    try:
        text = base64.urlsafe_b64decode(part + "==").decode("utf-8")
        value = _DECODER.decode(text)
        if "\\u" in text:
            # It may contain a lone surrogate, which UTF-8 cannot encode.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise TokenMalformed("a part is not I-JSON") from None
    if not isinstance(value, dict):
        raise TokenMalformed("a part is not a JSON object")
    return value


def _refuse_repeated_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("repeated member")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_refuse_repeated_members, parse_constant=_refuse_constant)
