"""Read JSON (RFC 8259) more strictly than Python's `json`, and in bounded memory."""

import itertools
import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

# The deepest nesting of an entry.
MAX_DEPTH = 32
# The limit for commas, opening brackets and line breaks outside strings. Each value follows one of them, so
# this also limits the values. Ten thousand entries with a dozen members each have a third as many.
MAX_VALUES = 640_000

# The value of a repeated member, since none of its values is right.
REPEATED = object()

_WHITE_SPACE = re.compile(r"[ \t\n\r]*")
_SEPARATOR = re.compile(r"[ \t\n\r]*([,\]])[ \t\n\r]*")
# A JSON string ends at the end of its line at the latest, so a malformed NDJSON line cannot hide the next.
_STRINGS_AND_MARKS = re.compile(rb'"[^"\n]*"?|([,\[{\n])')
_STRINGS_AND_BRACKETS = re.compile(r'"[^"]*"?|[\[{]|[\]}]')
_ALL_BUT_BRACKETS = bytes(code for code in range(256) if code not in b"[]{}")
_BRACKETS_AS_BRACES = bytes.maketrans(b"[]", b"{}")
_TOO_DEEP = "more than {} levels of nesting"
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class NotJSON(Exception):
    """The text is not JSON, or it is nested too deeply. `problem` is the message without the place."""

    def __init__(self, problem: str, text: str = "", position: int | None = None) -> None:
        self.problem = problem
        if position is not None:
            line, column = text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)
            problem += f", at line {line}, column {column}"
        super().__init__(problem)


class HugeNumber(Decimal):
    """Takes the place of a number beyond the range of Decimal, and is refused for the same reason."""

    digits: str


class TooManyValues(Exception):
    """Too many values to keep them in memory for many callers at once."""


def decode_utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotJSON(f"byte {error.start} is not UTF-8") from None


def parse_value(text: str) -> Any:
    """The value of a JSON text. Numbers are Decimals. A repeated member has the value REPEATED.

    Raises NotJSON for wrong syntax, a BOM, NaN, Infinity, a lone surrogate, and more than 32 levels.
    """
    require_shallow(text, MAX_DEPTH)
    value, end = _parse_at(text, _skip_white_space(text, 0))
    _require_end(text, end, "value")
    return value


def iterate_array(text: str) -> Iterator[Any]:
    """The values of a JSON array, one by one. Raises NotJSON, like `parse_value`."""
    require_shallow(text, MAX_DEPTH + 1)
    begin = _skip_white_space(text, 0)
    try:
        values, end = _parse_at(text, begin)
    except NotJSON:
        # The values before the error are good, and the message is about the one with the error.
        yield from _iterate_one_by_one(text, begin)
    else:
        _require_end(text, end, "array")
        yield from values


def _iterate_one_by_one(text: str, begin: int) -> Iterator[Any]:
    position = _skip_white_space(text, begin + 1)
    if text.startswith("]", position):
        _require_end(text, position + 1, "array")
        return
    while True:
        value, position = _parse_at(text, position)
        yield value
        separator = _SEPARATOR.match(text, position)
        if separator is None:
            raise NotJSON("a comma or the end of the array is missing", text, position)
        position = separator.end()
        if separator[1] == "]":
            _require_end(text, position, "array")
            return


def is_array(text: str) -> bool:
    return text.startswith("[", _skip_white_space(text, 0))


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


def _require_end(text: str, position: int, what: str) -> None:
    if _skip_white_space(text, position) != len(text):
        raise NotJSON(f"text follows the {what}", text, position)


def _skip_white_space(text: str, position: int) -> int:
    match = _WHITE_SPACE.match(text, position)
    return match.end() if match else position


def _parse_at(text: str, position: int) -> tuple[Any, int]:
    value, end = scan(text, position)
    require_pairs(value, text, position, end)
    return value, end


def scan(text: str, position: int) -> tuple[Any, int]:
    """The value that begins at this position, and its end. Levels and surrogates are not checked."""
    try:
        return _DECODER.raw_decode(text, position)
    except json.JSONDecodeError as error:
        raise NotJSON(error.msg[:1].lower() + error.msg[1:], text, error.pos) from None
    except RecursionError:
        raise NotJSON(_TOO_DEEP.format(MAX_DEPTH)) from None


def require_pairs(value: Any, text: str, begin: int, end: int) -> None:
    """Raise NotJSON if the text of the value escapes a lone surrogate."""
    try:
        if _SURROGATE.search(text, begin, end):
            json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeEncodeError:
        raise NotJSON("it escapes a lone surrogate") from None


def require_shallow(text: str, levels: int) -> None:
    """Raise NotJSON for deep nesting before Python's parser, which recurses on the C stack of its thread."""
    if text.count("[") + text.count("{") <= levels:
        return
    brackets = text.encode().translate(_BRACKETS_AS_BRACES, _ALL_BUT_BRACKETS)
    for _ in range(levels):
        brackets = brackets.replace(b"{}", b"")
        if not brackets:
            return
    # The nesting is deep or unbalanced, or brackets are in strings, so count exactly. Without escapes, a
    # string ends at the next quote.
    depth = 0
    for match in _STRINGS_AND_BRACKETS.finditer(text.replace("\\\\", "").replace('\\"', "")):
        if match[0] in "[{":
            depth += 1
            if depth > levels:
                raise NotJSON(_TOO_DEEP.format(levels))
        elif match[0] in "]}":
            depth -= 1


def _mark_repeated_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    seen: set[str] = set()
    repeated = {name for name, _ in pairs if name in seen or seen.add(name)}  # type: ignore[func-returns-value]
    return {name: REPEATED if name in repeated else value for name, value in pairs}


def _read_number(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:
        mantissa, _, exponent = digits.lower().partition("e")
        if not mantissa.strip("-0."):
            return Decimal(0)
        magnitude = Decimal("1e-999") if exponent.startswith("-") else Decimal("Infinity")
        number = HugeNumber(magnitude.copy_sign(Decimal("-1" if mantissa.startswith("-") else "1")))
        number.digits = digits
        return number


def _refuse_constant(name: str) -> NoReturn:
    raise NotJSON(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_mark_repeated_members,
    parse_float=_read_number,
    parse_int=_read_number,
    parse_constant=_refuse_constant,
)
