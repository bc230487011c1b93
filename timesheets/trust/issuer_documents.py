"""Exchange a small JSON document with the issuer within a deadline, at exactly one URL."""

import http.client
import json
import re
import ssl
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urlsplit

import certifi

from timesheets.trust.issuer_connections import open_connection

MAX_BYTES = 64 * 1024
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})

_MAX_AGE = re.compile(r"(?:^|,)\s*max-age\s*=\s*\"?(\d{1,9})", re.ASCII | re.IGNORECASE)
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)


class DocumentUnavailable(Exception):
    """The document cannot be fetched now. The message names the URL and the kind of failure.

    `status` is the status of a response other than 200. Without one, `__cause__` is what ended the request.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Document:
    """A JSON object, with what the response header says about it."""

    members: Mapping[str, Any]
    # How long the issuer lets it be cached (RFC 9111 section 5.2.2.1), None if it does not say.
    max_age_seconds: int | None
    # The `Date` header, unparsed (RFC 9110 section 6.6.1).
    date: str | None
    # How old the response is if it came from a cache (RFC 9111 section 5.1).
    age_seconds: int


def is_trustworthy(url: str) -> bool:
    """True for https, and for http to this machine, where no one can change a response on its way."""
    # urlsplit removes line breaks.
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS)
        )
    except ValueError:
        return False


def fetch_document(
    url: str,
    *,
    seconds: float,
    ca_file: str | None,
    form: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Document:
    """The complete JSON object at `url`, or in the answer to a form, within `seconds`.

    A form may be refused, with a status from 400 to 499. Follows no redirect, uses no proxy, and reads at
    most 64 KiB. Trusts the certificate authorities in `ca_file`, by default the public ones. Raises
    DocumentUnavailable.
    """
    if not is_trustworthy(url):
        raise DocumentUnavailable(f"{url!a} is not an https address")
    ends_at = time.monotonic() + seconds
    try:
        with ExitStack() as resources:
            client = _connect(urlsplit(url), seconds, ca_file, resources)
            path = urlsplit(url)._replace(scheme="", netloc="", fragment="").geturl() or "/"
            client.request("POST" if form else "GET", path, form, {**_HEADERS, **(headers or {})})
            response = resources.enter_context(client.getresponse())
            body = _read_body(response)
            if time.monotonic() >= ends_at:
                # The timer cut the connection, and http.client takes a cut body for a complete one.
                raise TimeoutError
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise DocumentUnavailable(f"{url} cannot be fetched: {_describe(error)}") from error
    if response.status != HTTPStatus.OK and not (form and response.status // 100 == 4):
        raise DocumentUnavailable(f"{url} answered {response.status}", response.status)
    if len(body) > MAX_BYTES:
        raise DocumentUnavailable(f"{url} sent more than {MAX_BYTES} bytes")
    max_age = _MAX_AGE.search(response.headers.get("Cache-Control", ""))
    age = response.headers.get("Age", "")
    return Document(
        members=_read_object(url, body),
        max_age_seconds=int(max_age[1]) if max_age else None,
        date=response.headers.get("Date"),
        age_seconds=int(age) if _SECONDS.fullmatch(age) else 0,
    )


def _connect(
    url: SplitResult, seconds: float, ca_file: str | None, resources: ExitStack
) -> http.client.HTTPConnection:
    host, port = str(url.hostname), url.port or (443 if url.scheme == "https" else 80)
    connection = open_connection(host, port, seconds, resources)
    if url.scheme == "https":
        context = ssl.create_default_context(cafile=ca_file or certifi.where())
        connection = resources.enter_context(context.wrap_socket(connection, server_hostname=host))
    client = http.client.HTTPConnection(host, port)
    client.sock = connection
    return client


_HEADERS = {"Accept": "application/json", "Connection": "close"}


def _read_body(response: http.client.HTTPResponse) -> bytes:
    """The body, or a little more than its first 64 KiB, in pieces: a chunk may lie about its size."""
    body = b""
    while len(body) <= MAX_BYTES and (piece := response.read1(MAX_BYTES)):
        body += piece
    return body


def _describe(error: Exception) -> str:
    """The kind of failure, without any text from the server."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate cannot be trusted ({error.verify_message})"
    return type(error).__name__


def _read_object(url: str, body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise DocumentUnavailable(f"{url} did not send JSON") from None
    if not isinstance(value, dict):
        raise DocumentUnavailable(f"{url} did not send a JSON object")
    return value
