"""Read and write JSON without changing a digit, so that numbers are sent as they were read."""

import json
from decimal import Decimal, InvalidOperation
from json.encoder import encode_basestring_ascii
from typing import Any, NoReturn

# As in the API.
MAX_LEVELS = 32


class NotJSON(Exception):
    """The message says what is wrong, and continues `is not JSON: `."""


class HugeNumber(str):
    """The digits of a number whose exponent is too large for Decimal."""

    __slots__ = ()


class RepeatedMembers(dict[str, object]):
    """An object with a repeated member, whose value is therefore unknown."""


def parse_value(text: str, position: int = 0) -> tuple[object, int]:
    """The value that begins at `position`, and its end. Numbers are Decimals. Raises NotJSON."""
    try:
        return DECODER.raw_decode(text, position)
    except json.JSONDecodeError as error:
        raise NotJSON(f"{error.msg[:1].lower()}{error.msg[1:]}") from None
    except RecursionError:
        raise NotJSON("it is nested too deeply") from None


def find_fault(value: object, text: str) -> str | None:
    """Why a value that was parsed from `text` cannot be sent unchanged."""
    if isinstance(value, RepeatedMembers):
        return "one of its members is repeated"
    # Counting is fast, and nearly every entry has few brackets.
    if text.count("{") + text.count("[") > MAX_LEVELS and is_nested_deeply(value):
        return "it is nested too deeply"
    try:
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return "it contains half of a surrogate pair"
    return None


def is_nested_deeply(value: object) -> bool:
    """Whether the API would refuse it. Python's parser accepts values that cannot be encoded again."""
    level: list[Any] = [value]
    for _ in range(MAX_LEVELS):
        level = [
            each
            for group in level
            for each in (group.values() if isinstance(group, dict) else group)
            if isinstance(each, dict | list)
        ]
        if not level:
            return False
    return True


def encode_value(value: object) -> str:
    """JSON in ASCII, on one line."""
    if isinstance(value, HugeNumber):
        return str.__str__(value)
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        pairs = [f"{encode_basestring_ascii(name)}: {encode_value(each)}" for name, each in value.items()]
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(encode_value, value))}]"
    return json.dumps(value)


def mark_repeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else RepeatedMembers(members)


def read_number(digits: str) -> Decimal | HugeNumber:
    try:
        return Decimal(digits)
    except InvalidOperation:
        return HugeNumber(digits)


def refuse_constant(name: str) -> NoReturn:
    raise NotJSON(f"{name} is not a number")


DECODER = json.JSONDecoder(
    object_pairs_hook=mark_repeated,
    parse_float=read_number,
    parse_int=read_number,
    parse_constant=refuse_constant,
)
