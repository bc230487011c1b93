"""Explain why there was no answer. Quotes no error of requests, because they may contain secrets."""

import ssl
from collections.abc import Iterator

from requests import exceptions
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProxyError, ReadTimeoutError

from timesheets_client.errors import ConfigurationError, NothingSent, TemporaryFailure, UploadError

TIMED_OUT = (TimeoutError, exceptions.Timeout, ReadTimeoutError)
# Raised before anything is sent.
NOT_CONNECTED = (ProxyError, ConnectTimeoutError, NewConnectionError)
LOST = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError, TimeoutError)


def explain_failure(error: Exception, url: str) -> UploadError:
    """The error to raise if `error` came instead of an answer from `url`."""
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
