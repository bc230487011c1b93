"""Find the access token in what somebody pasted or piped, and say what else was there."""

import json
import re
import string

_QUOTES = "\"'`"
_AROUND = string.whitespace + _QUOTES
_PREFIX = re.compile(r"authorization\s*:\s*(?:bearer(?:\s+|$))?|bearer(?:\s+|$)", re.IGNORECASE)


def unwrap_token(text: str) -> tuple[str, list[str]]:
    """The token, an empty string if there is none, and notes on what was left out to get it."""
    # A file from Windows may begin with a byte order mark, and that a line ends is no news.
    text = text.removeprefix("\ufeff").removesuffix("\n").removesuffix("\r")
    answered = _read_answer(text)
    if answered is not None:
        return answered, ["of the issuer's answer only access_token was taken"]
    # Quotes may stand around the header as well as around the token in it.
    inner = text.strip(_AROUND)
    prefix = _PREFIX.match(inner)
    token = inner[prefix.end() :].strip(_AROUND) if prefix else inner
    around = text.replace(token, "", 1) if token else text
    parts = {
        "white space": text != text.strip(),
        "quotes": any(mark in around for mark in _QUOTES),
        '"Authorization: Bearer"': prefix is not None,
    }
    return token, [f"{part} around the token left out" for part, is_there in parts.items() if is_there]


def _read_answer(text: str) -> str | None:
    """The token in a whole answer of a token endpoint (RFC 6749 section 5.1)."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return None
    token = answer.get("access_token") if isinstance(answer, dict) else None
    return token if isinstance(token, str) else None
