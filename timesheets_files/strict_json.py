"""Read JSON (RFC 8259) more strictly than Python's `json`, and in bounded memory."""

import itertools
import json
import re
from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

# The deepest nesting of an entry.
MAX_DEPTH = 32
# The limit for commas, opening brackets and line breaks outside strings. Each value follows one of them, so
# this also limits the values. Ten thousand entries with a dozen members each have a third as many.
MAX_VALUES = 640_000

# The value of a repeated member, since none of its values is right.
REPEATED = object()

_WHITE_SPACE = " \t\n\r"
# A JSON string ends at the end of its line at the latest, so a malformed NDJSON line cannot hide the next.
_STRINGS_AND_MARKS = re.compile(rb'"[^"\n]*"?|([,\[{\n])')
_STRINGS_AND_BRACKETS = re.compile(rb'"[^"]*"?|([{}]+)')
_ALL_BUT_MARKS = bytes(code for code in range(256) if code not in b'[]{}"')
_BRACKETS_AS_BRACES = bytes.maketrans(b"[]", b"{}")
_TOO_DEEP = f"more than {MAX_DEPTH} levels of nesting"
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class NotJSON(Exception):
    """The text is not JSON, or it is nested too deeply. `problem` is the message without the place."""

    def __init__(self, problem: str, place: str = "") -> None:
        super().__init__(f"{problem}{place}")
        self.problem = problem


class TooManyValues(Exception):
    """Too many values to keep them in memory for many callers at once."""


def decode_utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotJSON(f"byte {error.start} is not UTF-8") from None


def parse_value(text: str, levels: int = MAX_DEPTH) -> Any:
    """The value of a JSON text. Numbers are Decimals. A repeated member has the value REPEATED.

    Raises NotJSON for wrong syntax, a BOM, NaN, Infinity, a lone surrogate, and more levels of nesting.
    """
    require_shallow(text, levels)
    value, end = scan(text, len(text) - len(text.lstrip(_WHITE_SPACE)))
    if end < len(text.rstrip(_WHITE_SPACE)):
        raise NotJSON("text follows the value")
    require_pairs(value, text)
    return value


def scan(text: str, position: int) -> tuple[Any, int]:
    """The value that begins at this position, and its end. Levels and surrogates are not checked."""
    try:
        return _DECODER.raw_decode(text, position)
    except json.JSONDecodeError as error:
        problem = error.msg[:1].lower() + error.msg[1:]
        raise NotJSON(problem, f", at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise NotJSON(_TOO_DEEP) from None


def require_shallow(text: str, levels: int = MAX_DEPTH) -> None:
    """Raise NotJSON for deep nesting before Python's parser, which recurses on the C stack of its thread."""
    if text.count("[") + text.count("{") <= levels:
        return
    # Without escapes, a string ends at the next quote.
    unescaped = text.encode().replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = unescaped.translate(_BRACKETS_AS_BRACES, _ALL_BUT_MARKS)
    # Without pairs of quotes, the only strings are those with brackets in them. A list of what is between
    # these would take much memory.
    runs = (match[1] or b"" for match in _STRINGS_AND_BRACKETS.finditer(marks.replace(b'""', b"")))
    brackets = bytes(itertools.chain.from_iterable(runs))
    for _ in range(levels):
        brackets = brackets.replace(b"{}", b"")
    if b"{}" in brackets or brackets.count(b"{") > levels:
        raise NotJSON(_TOO_DEEP)


def require_pairs(value: Any, text: str) -> None:
    """Raise NotJSON if the text of the value escapes a lone surrogate."""
    try:
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeEncodeError:
        raise NotJSON("it escapes a lone surrogate") from None


def require_few_values(body: bytes) -> None:
    """Raise TooManyValues if a parser would create too many values from JSON texts."""
    if len(body) <= MAX_VALUES or sum(map(body.count, (b",", b"[", b"{", b"\n"))) <= MAX_VALUES:
        return
    # Some may be in strings, so count exactly. Without escapes, a string ends at the next quote.
    tokens = _STRINGS_AND_MARKS.finditer(body.replace(b"\\\\", b"").replace(b'\\"', b""))
    # Each mark comes with at most two strings.
    marks = (token for token in itertools.islice(tokens, 3 * MAX_VALUES) if token.lastindex)
    if next(itertools.islice(marks, MAX_VALUES, None), None) or next(tokens, None):
        raise TooManyValues


def _mark_repeated_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        members |= {name: REPEATED for name, count in counts.items() if count > 1}
    return members


def _read_number(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:
        # It is refused, as any number of its size.
        return Decimal("-Infinity" if digits.startswith("-") else "Infinity")


def _refuse_constant(name: str) -> NoReturn:
    raise NotJSON(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_mark_repeated_members,
    parse_float=_read_number,
    parse_int=_read_number,
    parse_constant=_refuse_constant,
)
