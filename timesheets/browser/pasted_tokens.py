"""Extract the access token from what a person pasted or piped."""

import json
import re
import string

_QUOTES = "\"'`"
_AROUND = string.whitespace + _QUOTES
_PREFIX = re.compile(r"authorization\s*:\s*(?:bearer(?:\s+|$))?|bearer(?:\s+|$)", re.IGNORECASE)


def unwrap_token(text: str) -> tuple[str, list[str]]:
    """Return the token, or an empty string, and notes on what was ignored."""
    # A file from Windows may begin with a byte order mark. A line break at the end deserves no note.
    text = text.removeprefix("\ufeff").removesuffix("\n").removesuffix("\r")
    response_token = _read_token_response(text)
    if response_token is not None:
        return response_token, ["used only access_token of the issuer's response"]
    # Both the header and the token in it may be in quotes.
    inner = text.strip(_AROUND)
    prefix = _PREFIX.match(inner)
    token = inner[prefix.end() :].strip(_AROUND) if prefix else inner
    around = text.replace(token, "", 1) if token else text
    parts = {
        "white space": text != text.strip(),
        "quotes": any(mark in around for mark in _QUOTES),
        '"Authorization: Bearer"': prefix is not None,
    }
    return token, [f"ignored {part} around the token" for part, is_present in parts.items() if is_present]


def _read_token_response(text: str) -> str | None:
    """Return the token in the response of a token endpoint (RFC 6749 section 5.1)."""
    try:
        response = json.loads(text)
    except (ValueError, RecursionError):
        return None
    token = response.get("access_token") if isinstance(response, dict) else None
    return token if isinstance(token, str) else None
