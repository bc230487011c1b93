"""Send HTTP requests and read their answers, within limits on time and size."""

import logging
import ssl
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Thread
from typing import NamedTuple

import requests
from requests import exceptions
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
)

from timesheets_client.errors import ConfigurationError, NothingSent, TemporaryFailure, UploadError
from timesheets_client.network.messages import Answer, Message, is_loopback, parse_object
from timesheets_client.network.retries import Clock

DEFAULT_RETRIES = 5
# To send a request and read its answer; twice as long as a longer wait for a part of it.
MIN_TOTAL_SECONDS = 120
# The API's verdicts on 10,000 entries, each with every possible error, fit in this.
MAX_ANSWER_BYTES = 64 * 1024 * 1024
TIMED_OUT = (TimeoutError, exceptions.Timeout, ReadTimeoutError)
# Raised before anything is sent.
NOT_CONNECTED = (ProxyError, ConnectTimeoutError, NewConnectionError)
LOST = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError, TimeoutError)


class Timeouts(NamedTuple):
    connect_seconds: float = 10
    read_seconds: float = 60


DEFAULT_TIMEOUTS = Timeouts()


class DirectSession(requests.Session):
    """Follows no redirect, and does not parse where one leads."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


def open_session() -> requests.Session:
    # It logs malformed headers of an answer as they are, and they may echo a secret.
    logging.getLogger("urllib3.connection").disabled = True
    return DirectSession()


@dataclass(frozen=True, kw_only=True)
class Connection:
    """The connection of a run. Raises TemporaryFailure or ConfigurationError without an answer."""

    session: requests.Session
    clock: Clock = field(default_factory=Clock)
    timeouts: Timeouts = DEFAULT_TIMEOUTS
    retries: int = DEFAULT_RETRIES

    def send(self, message: Message) -> Answer:
        """The answer to one attempt."""
        outcome: Future[Answer] = Future()

        def complete() -> None:
            try:
                outcome.set_result(send(self.session, message, self.timeouts))
            except Exception as error:  # noqa: BLE001  The waiting thread raises it.
                outcome.set_exception(error)

        # The timeouts of requests limit only the wait for each piece of an answer. If a server sends
        # a byte a minute, this thread stays behind; it ends with the program.
        Thread(target=complete, daemon=True).start()
        try:
            seconds = max(MIN_TOTAL_SECONDS, 2 * self.timeouts.read_seconds)
            return outcome.result(timeout=self.clock.limit(seconds))
        except (OSError, HTTPError) as error:
            # The error contains the request, and therefore the secret, so it is not chained.
            raise explain_failure(error, message.address) from None


def send(session: requests.Session, message: Message, timeouts: Timeouts) -> Answer:
    with session.request(
        message.method,
        message.url,
        params=message.parameters,
        data=message.data,
        json=message.json,
        headers=message.headers,
        auth=message.auth,
        timeout=timeouts,
        stream=True,
        # Through a proxy, plain http to this machine would cross the network.
        proxies={"no_proxy": "*"} if is_loopback(message.url) else {},
    ) as response:
        return Answer(
            url=message.address,
            status=response.status_code,
            document=read_document(response),
            headers=response.headers,
            secrets=message.secrets,
        )


def read_document(response: requests.Response) -> Mapping[str, object] | None:
    """The JSON object; None if the body is something else or too long. Raises an error if it is cut."""
    body = bytearray()
    try:
        for chunk in response.iter_content(64 * 1024):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                return None
    except exceptions.ContentDecodingError:
        return None
    # http.client takes a connection that is lost within the headers for the end of the headers.
    # Only an answer that says where its body ends can have an empty one (RFC 9112 section 6.3).
    if not body and not response.raw.chunked and response.raw.length_remaining is None:
        raise exceptions.ConnectionError("the answer ended before its body")
    return parse_object(body)


def explain_failure(error: Exception, url: str) -> UploadError:
    """The error to raise if `error` came instead of an answer from `url`. Does not quote it."""
    causes = list(walk_causes(error))
    to_proxy = includes(causes, ProxyError)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ConfigurationError(
                f"{url}: the {'proxy' if to_proxy else 'server'}'s certificate cannot be trusted: "
                f"{cause.verify_message.rstrip('.')}. If a proxy inspects TLS or the authority is private, "
                "set REQUESTS_CA_BUNDLE to a PEM file with it. Are the address and the clock right?"
            )
    if isinstance(error, exceptions.SSLError) and not includes(causes, *LOST):
        return ConfigurationError(f"{url}: no secure connection is possible. Are the address and port right?")
    if isinstance(error, ValueError):
        return ConfigurationError(f"{url}: is not usable. Is the address right, and the proxy's?")
    if isinstance(error, OSError) and not isinstance(error, (exceptions.RequestException, TimeoutError)):
        return ConfigurationError(
            "REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE: the file that they name cannot be read. Is the path right?"
        )
    if includes(causes, *NOT_CONNECTED):
        through = " through the proxy" if to_proxy else ""
        reason = f"{url}: no connection{through}. Is the address right, and the server running?"
        return NothingSent(f"{reason} Run it again later.", reason)
    reason = f"{url}: {'no answer in time' if includes(causes, *TIMED_OUT) else 'the connection was lost'}."
    return TemporaryFailure(f"{reason} What was sent may still have arrived; run it again later.", reason)


def walk_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        # urllib3 passes on some causes only as arguments.
        wrapped = (argument for argument in error.args if isinstance(argument, BaseException))
        error = error.__cause__ or error.__context__ or next(wrapped, None)


def includes(causes: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)
