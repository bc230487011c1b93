"""Parse a signed JWT strictly, without trusting it. Knows no key and no web framework."""

import base64
import json
import re
import string
from collections.abc import Mapping
from typing import Any, NoReturn

from timesheets.trust.token_rules import Fault, TokenRejected

_BASE64URL = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
# The last character encodes 6 bits, of which 4 or 2 may be unused, depending on the length of the part. They
# must be zero; otherwise one token would have many spellings.
_LAST_CHARACTERS = {
    0: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    2: "AQgw",
    3: "AEIMQUYcgkosw048",
}

# What people paste around a token.
_AROUND_TOKEN = f"{string.whitespace}\"'`\ufeff"
_PREFIX = re.compile(r"(authorization\s*:\s*)?(bearer(\s+|$))?", re.IGNORECASE)


def read_unverified_token(text: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The header and claims of a compact JWS (RFC 7515 section 7.1), which any caller may have written.

    Raises TokenRejected.
    """
    parts = text.split(".")
    if len(parts) != 3:
        raise TokenRejected(Fault.MALFORMED, "it does not have three parts separated by dots")
    for part in parts:
        # RFC 7515 section 2: no padding, no line breaks, no stray bits.
        if not _BASE64URL.fullmatch(part):
            raise TokenRejected(Fault.MALFORMED, "a part is empty or not base64url")
        if part[-1] not in _LAST_CHARACTERS.get(len(part) % 4, ""):
            raise TokenRejected(Fault.MALFORMED, "a part has stray bits at its end")
    return _read_object(parts[0]), _read_object(parts[1])


def _read_object(part: str) -> Mapping[str, Any]:
    """An I-JSON object (RFC 7493), which every parser reads in the same way."""
    try:
        text = base64.urlsafe_b64decode(part + "==").decode("utf-8")
        value = _DECODER.decode(text)
        if "\\u" in text:
            # It may contain a lone surrogate, which UTF-8 cannot encode.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise TokenRejected(Fault.MALFORMED, "a part is not I-JSON") from None
    if not isinstance(value, dict):
        raise TokenRejected(Fault.MALFORMED, "a part is not a JSON object")
    return value


def _refuse_repeated_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("repeated member")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_refuse_repeated_members, parse_constant=_refuse_constant)


def unwrap_token(text: str) -> str:
    """The token in what a person pasted: a token, a header, or the issuer's response. It may be empty."""
    try:
        return str(json.loads(text)["access_token"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return _PREFIX.sub("", text.strip(_AROUND_TOKEN), count=1).strip(_AROUND_TOKEN)
