"""Post JSON over HTTP and take a JSON answer. Knows neither the issuer nor the API."""

import json
import logging
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Thread
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from timesheets.uploader.addresses import is_loopback
from timesheets.uploader.failures import explain_failure

ANSWER_BYTES_AT_MOST = 1024 * 1024
QUOTED_CHARACTERS_AT_MOST = 200


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    connect_seconds: float = 10
    read_seconds: float = 60
    total_seconds: float = 120


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is posted where, and the secret in it that no text of the answer may repeat."""

    url: str
    document: Mapping[str, object] = field(repr=False)
    auth: AuthBase = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A status, and the JSON object that came with it; None if something else came, or too much."""

    status: int
    document: Mapping[str, object] | None = field(repr=False)
    secret: str = field(repr=False)

    @property
    def is_temporary_failure(self) -> bool:
        return self.status in (408, 425, 429) or self.status >= 500

    def quote(self, name: str) -> str:
        """The text that the object has under `name`, safe to print; empty if there is none."""
        text = (self.document or {}).get(name)
        return make_printable(text, self.secret) if isinstance(text, str) else ""

    def summarize(self, code: str, explanation: str) -> str:
        """The status and two members of the object, as in `401 access_denied: Unauthorized`."""
        texts = [text for text in (self.quote(code), self.quote(explanation)) if text]
        return f"{self.status} {': '.join(texts)}".rstrip(" .")


class DirectSession(requests.Session):
    """Follows no redirect, not even to look where it leads."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


def open_session() -> requests.Session:
    # It logs the malformed headers of an answer as they came, and they may echo a secret.
    logging.getLogger("urllib3.connection").disabled = True
    return DirectSession()


def make_printable(text: str, secret: str) -> str:
    """`text` from elsewhere on one line, cut where it is long, without control characters and `secret`."""
    line = "".join(character if character.isprintable() else " " for character in text).strip()
    line = line.replace(secret, "[hidden]")
    return line if len(line) <= QUOTED_CHARACTERS_AT_MOST else f"{line[:QUOTED_CHARACTERS_AT_MOST]} [...]"


def post_json(session: requests.Session, message: Message, timeouts: Timeouts) -> Answer:
    """The answer to `message`. Raises TemporaryFailure or ConfigurationError where there is none."""
    outcome: Future[Answer] = Future()

    def complete() -> None:
        try:
            outcome.set_result(send(session, message, timeouts))
        except Exception as error:  # noqa: BLE001  The thread that waits raises it.
            outcome.set_exception(error)

    # The timeouts of requests bound the wait for each piece of an answer only. From a server that
    # sends a byte a minute, a thread can be left behind; it ends with the program.
    Thread(target=complete, daemon=True).start()
    try:
        return outcome.result(timeout=timeouts.total_seconds)
    except (OSError, urllib3.exceptions.HTTPError) as error:
        # The error holds the request, and so the secret: it is told in our own words only.
        raise explain_failure(error, message.url) from None


def send(session: requests.Session, message: Message, timeouts: Timeouts) -> Answer:
    with session.post(
        message.url,
        json=message.document,
        headers=message.headers,
        # Never None: then requests would look for credentials in .netrc.
        auth=message.auth,
        timeout=(timeouts.connect_seconds, timeouts.read_seconds),
        stream=True,
        # Plain http to this machine would cross the network on its way to a proxy.
        proxies={"no_proxy": "*"} if is_loopback(urlsplit(message.url).hostname) else {},
    ) as response:
        return Answer(
            status=response.status_code,
            document=parse_object(read_body(response)),
            secret=message.secret,
        )


def read_body(response: requests.Response) -> bytes:
    """The body; empty if it can't be decoded or is longer than any answer that is meant for us."""
    body = bytearray()
    try:
        for chunk in response.iter_content(64 * 1024):
            body += chunk
            if len(body) > ANSWER_BYTES_AT_MOST:
                return b""
    except requests.exceptions.ContentDecodingError:
        return b""
    return bytes(body)


def parse_object(body: bytes) -> Mapping[str, object] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
