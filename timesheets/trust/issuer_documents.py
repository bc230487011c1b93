"""Fetch a small JSON document of the issuer: within a deadline, from that address, or not at all."""

import http.client
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urlsplit

import certifi

from timesheets.trust.connections import connect

MAX_BYTES = 64 * 1024
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})

_MAX_AGE = re.compile(r"(?:^|,)\s*max-age\s*=\s*\"?(\d{1,9})", re.ASCII | re.IGNORECASE)


class DocumentUnavailable(Exception):
    """There is no such document to be had now. The message names the address and the kind of failure.

    `status` is that of an answer that was not 200; without one, `__cause__` is what ended the request.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Document:
    """A JSON object, with what the answer's header said about it."""

    members: Mapping[str, Any]
    # How long the issuer says it keeps (RFC 9111 section 5.2.2.1), None where it says nothing.
    max_age_seconds: int | None
    # The `Date` header as it came (RFC 9110 section 6.6.1).
    date: str | None
    # How long ago that was, where a cache on the way says so (RFC 9111 section 5.1).
    age_seconds: int


def is_trustworthy(url: str) -> bool:
    """True for https, and for http to this machine, where nobody on the way could change an answer."""
    # urlsplit would leave out line breaks.
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS)
        )
    except ValueError:
        return False


def fetch_document(url: str, *, seconds: float, ca_file: str | None) -> Document:
    """The JSON object at `url`, whole and within `seconds`.

    It follows no redirect, asks no proxy, sends no credentials, and reads no more than 64 KiB. The
    authorities to trust are those of `ca_file`, else the public ones. Raises DocumentUnavailable.
    """
    if not is_trustworthy(url):
        raise DocumentUnavailable(f"{url!a} is not an https address")
    ends_at = time.monotonic() + seconds
    try:
        with ExitStack() as resources:
            response = _request(urlsplit(url), seconds, ca_file, resources)
            body = _read_body(response)
            if time.monotonic() >= ends_at:
                # The connection was cut, and http.client takes what came until then for the whole.
                raise TimeoutError
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise DocumentUnavailable(f"{url} cannot be fetched: {_describe(error)}") from error
    if response.status != HTTPStatus.OK:
        raise DocumentUnavailable(f"{url} answered {response.status}", response.status)
    if len(body) > MAX_BYTES:
        raise DocumentUnavailable(f"{url} sent more than {MAX_BYTES} bytes")
    return Document(
        members=_read_object(url, body),
        max_age_seconds=_read_max_age(response.headers.get("Cache-Control", "")),
        date=response.headers.get("Date"),
        age_seconds=_read_age(response.headers.get("Age", "")),
    )


def _request(
    url: SplitResult, seconds: float, ca_file: str | None, resources: ExitStack
) -> http.client.HTTPResponse:
    deadline = time.monotonic() + seconds
    host, port = str(url.hostname), url.port or (443 if url.scheme == "https" else 80)
    connection = resources.enter_context(connect(host, port, seconds))
    _end_after(max(0.0, deadline - time.monotonic()), connection, resources)
    if url.scheme == "https":
        context = ssl.create_default_context(cafile=ca_file or certifi.where())
        connection = resources.enter_context(context.wrap_socket(connection, server_hostname=host))
    client = http.client.HTTPConnection(host, port)
    client.sock = connection
    client.request("GET", url._replace(scheme="", netloc="", fragment="").geturl() or "/", headers=_HEADERS)
    return resources.enter_context(client.getresponse())


_HEADERS = {"Accept": "application/json", "Connection": "close"}


def _read_body(response: http.client.HTTPResponse) -> bytes:
    """The body, or a little more than its first 64 KiB, piece by piece: a chunk may lie about its size."""
    body = b""
    while len(body) <= MAX_BYTES and (piece := response.read1(MAX_BYTES)):
        body += piece
    return body


def _end_after(seconds: float, connection: socket.socket, resources: ExitStack) -> None:
    """Cut the connection when the time is over, in whichever read it is.

    A socket's timeout starts anew with every byte, so who drips one at a time is not bound by it.
    """
    # Its own handle, which stays good when TLS takes over the other.
    handle = resources.enter_context(connection.dup())
    timer = threading.Timer(seconds, _cut, [handle])
    timer.daemon = True
    timer.start()
    resources.callback(timer.cancel)


def _cut(handle: socket.socket) -> None:
    try:
        handle.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It is closed already.
        return


def _describe(error: Exception) -> str:
    """The kind of failure, in no words of the other side's."""
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


def _read_max_age(cache_control: str) -> int | None:
    found = _MAX_AGE.search(cache_control)
    return int(found[1]) if found else None


def _read_age(age: str) -> int:
    return int(age) if re.fullmatch(r"\d{1,9}", age, re.ASCII) else 0
