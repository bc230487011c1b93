"""Exchange a small JSON document with the issuer by a deadline, at exactly one URL."""

import http.client
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urlsplit

import certifi

MAX_BYTES = 64 * 1024
MIN_FRESH_SECONDS = 60
MAX_FRESH_SECONDS = 24 * 3600
DEFAULT_FRESH_SECONDS = 600

_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
_MAX_AGE = re.compile(r"(?:^|,)\s*max-age\s*=\s*\"?(\d{1,9})", re.ASCII | re.IGNORECASE)
_HEADERS = {"Accept": "application/json", "Connection": "close"}


class DocumentUnavailable(Exception):
    """The document cannot be fetched now. The message names the URL and the kind of failure.

    `status` is the status of a response other than 200. Without one, `__cause__` is what ended the request.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Document:
    """A JSON object, and the response header."""

    members: Mapping[str, Any]
    headers: Message

    @property
    def fresh_seconds(self) -> int:
        """How long to keep it: its max-age (RFC 9111 section 5.2.2.1), within limits."""
        found = _MAX_AGE.search(self.headers.get("Cache-Control", ""))
        max_age = int(found[1]) if found else DEFAULT_FRESH_SECONDS
        return min(max(max_age, MIN_FRESH_SECONDS), MAX_FRESH_SECONDS)


def is_trustworthy(url: str) -> bool:
    """True for https, and for http to this machine, where no one can change a response on its way."""
    # urlsplit removes line breaks.
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        is_local = parts.scheme == "http" and parts.hostname in _LOOPBACK_HOSTS
        return bool(parts.hostname) and (parts.scheme == "https" or is_local)
    except ValueError:
        return False


def fetch_document(
    url: str,
    *,
    deadline: float,
    ca_file: str | None,
    form: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Document:
    """The complete JSON object at `url`, or in the answer to a form, by `deadline` in monotonic seconds.

    A form may be refused, with a status from 400 to 499. Follows no redirect, uses no proxy, and reads at
    most 64 KiB. Trusts the certificate authorities in `ca_file`, by default the public ones. Raises
    DocumentUnavailable.
    """
    if not is_trustworthy(url):
        raise DocumentUnavailable(f"{url!a} is not an https address")
    try:
        with ExitStack() as resources:
            client = _open_client(urlsplit(url), deadline, ca_file, resources)
            path = urlsplit(url)._replace(scheme="", netloc="", fragment="").geturl() or "/"
            client.request("POST" if form else "GET", path, form, {**_HEADERS, **(headers or {})})
            response = resources.enter_context(client.getresponse())
            body = b""
            # In pieces: a chunk may lie about its size.
            while len(body) <= MAX_BYTES and (piece := response.read1(MAX_BYTES)):
                body += piece
            if time.monotonic() >= deadline:
                # The timer cut the connection, and http.client takes a cut body for a complete one.
                raise TimeoutError
    except ssl.SSLCertVerificationError as error:
        reason = f"its certificate cannot be trusted ({error.verify_message})"
        raise DocumentUnavailable(f"{url} cannot be fetched: {reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        # Its text may come from the server.
        raise DocumentUnavailable(f"{url} cannot be fetched: {type(error).__name__}") from error
    if response.status != HTTPStatus.OK and not (form and response.status // 100 == 4):
        raise DocumentUnavailable(f"{url} answered {response.status}", response.status)
    if len(body) > MAX_BYTES:
        raise DocumentUnavailable(f"{url} sent more than {MAX_BYTES} bytes")
    return Document(_read_object(url, body), response.headers)


def _open_client(
    url: SplitResult, deadline: float, ca_file: str | None, resources: ExitStack
) -> http.client.HTTPConnection:
    host, port = str(url.hostname), url.port or (443 if url.scheme == "https" else 80)
    connection = resources.enter_context(connect(host, port, deadline))
    # A socket's timeout restarts with every byte, so a timer cuts the connection. It has a duplicate, which
    # stays valid when TLS takes over the original.
    handle = resources.enter_context(connection.dup())
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), _cut, [handle])
    timer.daemon = True
    timer.start()
    resources.callback(timer.cancel)
    if url.scheme == "https":
        context = ssl.create_default_context(cafile=ca_file or certifi.where())
        connection = resources.enter_context(context.wrap_socket(connection, server_hostname=host))
    client = http.client.HTTPConnection(host, port)
    client.sock = connection
    return client


def _cut(connection: socket.socket) -> None:
    # It may already be closed.
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def connect(host: str, port: int, deadline: float) -> socket.socket:
    """A connection to the first of the host's addresses that accepts one. Raises OSError.

    Each address has an equal share of the time that is left until the deadline.
    """
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError = TimeoutError()
    for tried, (*_, address) in enumerate(addresses):
        share_seconds = (deadline - time.monotonic()) / (len(addresses) - tried)
        try:
            connection = socket.create_connection((str(address[0]), port), max(share_seconds, 0.001))
        except OSError as error:
            failure = error
        else:
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            return connection
    raise failure


def _read_object(url: str, body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise DocumentUnavailable(f"{url} did not send JSON") from None
    if not isinstance(value, dict):
        raise DocumentUnavailable(f"{url} did not send a JSON object")
    return value
