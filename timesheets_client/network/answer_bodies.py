"""Read the body of an answer, whatever a server sends."""

import json
import re
from collections.abc import Mapping

import requests

# The API's verdicts on 10,000 entries, with all that can be wrong with each.
ANSWER_BYTES_AT_MOST = 64 * 1024 * 1024
# Such verdicts have half as many strings, commas and opening brackets.
ANSWER_TOKENS_AT_MOST = 2_000_000
TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{,]', re.DOTALL)


def read_body(response: requests.Response) -> bytearray:
    """The body; empty if it can't be decoded or is longer than any answer that is meant for us.

    Raises an error of requests where the answer ended early.
    """
    body = bytearray()
    try:
        for chunk in response.iter_content(64 * 1024):
            body += chunk
            if len(body) > ANSWER_BYTES_AT_MOST:
                return bytearray()
    except requests.exceptions.ContentDecodingError:
        return bytearray()
    if not body and not is_framed(response):
        # To http.client a connection that ends within the headers is only the end of the headers.
        raise requests.exceptions.ConnectionError("the answer ended before its body")
    return body


def is_framed(response: requests.Response) -> bool:
    """Whether headers or status told where the body ends (RFC 9112 section 6.3)."""
    return response.raw.chunked or response.raw.length_remaining is not None


def parse_object(body: bytearray) -> Mapping[str, object] | None:
    """The JSON object; None from anything else, and from one that would fill the memory."""
    if has_too_many_tokens(body):
        return None
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def has_too_many_tokens(body: bytearray) -> bool:
    """Whether a parser would make too many objects of it: a few bytes can be one."""
    if sum(map(body.count, (b",", b"[", b"{"))) <= ANSWER_TOKENS_AT_MOST // 2:
        return False
    # Some of those may stand in strings.
    return any(number == ANSWER_TOKENS_AT_MOST for number, _ in enumerate(TOKEN.finditer(body)))
