"""Read the body of an answer, whatever a server sends."""

import json
from collections.abc import Mapping

import requests

# The API's verdicts on 10,000 entries, with all that can be wrong with each.
ANSWER_BYTES_AT_MOST = 32 * 1024 * 1024


def read_body(response: requests.Response) -> bytes:
    """The body; empty if it can't be decoded or is longer than any answer that is meant for us.

    Raises an error of requests where the answer ended early.
    """
    body = bytearray()
    try:
        for chunk in response.iter_content(64 * 1024):
            body += chunk
            if len(body) > ANSWER_BYTES_AT_MOST:
                return b""
    except requests.exceptions.ContentDecodingError:
        return b""
    if not body and not is_framed(response):
        # To http.client a connection that ends within the headers is only the end of the headers.
        raise requests.exceptions.ConnectionError("the answer ended before its body")
    return bytes(body)


def is_framed(response: requests.Response) -> bool:
    """Whether headers or status told where the body ends (RFC 9112 section 6.3)."""
    return response.raw.chunked or response.raw.length_remaining is not None


def parse_object(body: bytes) -> Mapping[str, object] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
