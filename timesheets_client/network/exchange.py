"""Send one HTTP request and take its answer, within time and size limits. Knows neither issuer nor API."""

import json
import logging
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from threading import Thread
from urllib.parse import urlencode, urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from timesheets_client.network.addresses import is_loopback
from timesheets_client.network.answer_bodies import parse_object, read_body
from timesheets_client.network.failures import explain_failure

QUOTED_CHARACTERS_AT_MOST = 200


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    connect_seconds: float = 10
    read_seconds: float = 60
    total_seconds: float = 120

    def within(self, seconds: float) -> "Timeouts":
        """These, but no longer than `seconds` in all."""
        return replace(self, total_seconds=min(self.total_seconds, seconds))


@dataclass(frozen=True, kw_only=True)
class Content:
    """The body of a request, and the headers that say what it is."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str]


def json_content(document: Mapping[str, object]) -> Content:
    return Content(body=json.dumps(document).encode(), headers={"Content-Type": "application/json"})


def form_content(parameters: Mapping[str, str]) -> Content:
    return Content(
        body=urlencode(parameters).encode(), headers={"Content-Type": "application/x-www-form-urlencoded"}
    )


class Unauthenticated(AuthBase):
    """No credentials in the header."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is posted where, and the secrets in it that no text of the answer may repeat."""

    url: str
    content: Content
    auth: AuthBase = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A status, and the JSON object that came with it; None if something else came, or too much."""

    url: str
    status: int
    document: Mapping[str, object] | None = field(repr=False)
    # Whether nothing came with it.
    is_empty: bool = False
    # By name in any case.
    headers: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def retry_after(self) -> str | None:
        """The header as it came (RFC 9110 section 10.2.3)."""
        return self.headers.get("Retry-After")

    @property
    def is_temporary_failure(self) -> bool:
        return self.status in (408, 425, 429) or self.status >= 500

    @property
    def is_dry_run(self) -> bool:
        """Whether the API says that it stored nothing."""
        return (self.document or {}).get("dry_run") is True

    def quote(self, name: str) -> str:
        """The text that the object has under `name`, safe to print; empty if there is none."""
        text = (self.document or {}).get(name)
        return make_printable(text, *self.secrets) if isinstance(text, str) else ""

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


def make_printable(text: str, *secrets: str) -> str:
    """`text` from elsewhere on one line, cut where it is long, without control characters and `secrets`."""
    line = "".join(character if character.isprintable() else " " for character in text).strip()
    for secret in filter(None, secrets):
        line = line.replace(secret, "[hidden]")
    return line if len(line) <= QUOTED_CHARACTERS_AT_MOST else f"{line[:QUOTED_CHARACTERS_AT_MOST]} [...]"


def post(session: requests.Session, message: Message, timeouts: Timeouts) -> Answer:
    """The answer to `message`. Raises TemporaryFailure or ConfigurationError where there is none."""
    request = requests.Request(
        "POST",
        message.url,
        data=message.content.body,
        headers={**message.content.headers, **message.headers},
        auth=message.auth,
    )
    return exchange(session, request, timeouts, message.secrets)


def get(session: requests.Session, url: str, timeouts: Timeouts) -> Answer:
    """The answer to a request without credentials. Raises like `post`."""
    request = requests.Request("GET", url, headers={"Accept": "application/json"}, auth=Unauthenticated())
    return exchange(session, request, timeouts, ())


def exchange(
    session: requests.Session, request: requests.Request, timeouts: Timeouts, secrets: tuple[str, ...]
) -> Answer:
    outcome: Future[Answer] = Future()

    def complete() -> None:
        try:
            outcome.set_result(send(session, request, timeouts, secrets))
        except Exception as error:  # noqa: BLE001  The thread that waits raises it.
            outcome.set_exception(error)

    # The timeouts of requests bound the wait for each piece of an answer only. From a server that
    # sends a byte a minute, a thread can be left behind; it ends with the program.
    Thread(target=complete, daemon=True).start()
    try:
        return outcome.result(timeout=timeouts.total_seconds)
    except (OSError, urllib3.exceptions.HTTPError) as error:
        # The error holds the request, and so the secret: it is told in our own words only.
        raise explain_failure(error, request.url) from None


def send(
    session: requests.Session, request: requests.Request, timeouts: Timeouts, secrets: tuple[str, ...]
) -> Answer:
    with session.request(
        request.method,
        request.url,
        data=request.data,
        headers=request.headers,
        # Never None: then requests would look for credentials in .netrc.
        auth=request.auth,
        timeout=(timeouts.connect_seconds, timeouts.read_seconds),
        stream=True,
        # Plain http to this machine would cross the network on its way to a proxy.
        proxies={"no_proxy": "*"} if is_loopback(urlsplit(request.url).hostname) else {},
    ) as response:
        body = read_body(response)
        return Answer(
            url=request.url,
            status=response.status_code,
            document=parse_object(body) if body else None,
            is_empty=response.raw.tell() == 0,
            headers=response.headers,
            secrets=secrets,
        )
