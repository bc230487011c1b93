"""Explain why there was no answer. Quotes no error of requests, because they may contain secrets."""

import ssl
from collections.abc import Iterator

from requests import exceptions
from urllib3.exceptions import (
    ConnectTimeoutError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
)

from timesheets_client.errors import ConfigurationError, NothingSent, TemporaryFailure, UploadError

TIMED_OUT = (TimeoutError, exceptions.Timeout, ReadTimeoutError)
# Raised before anything is sent.
NOT_CONNECTED = (ConnectTimeoutError, NewConnectionError)
# OpenSSL's X509_V_ERR_* numbers. Python has no names for them.
OUTSIDE_VALIDITY = (9, 10)
NAME_MISMATCH = (62, 64)
LOST = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError, TimeoutError)


def explain_failure(error: Exception, url: str) -> UploadError:
    """The error to raise if `error` came instead of an answer from `url`."""
    causes = list(walk_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            owner = "proxy" if includes(causes, ProxyError) else "server"
            return ConfigurationError(
                f"{url}: the {owner}'s certificate cannot be trusted: {explain_distrust(cause.verify_code)}"
            )
    if isinstance(error, exceptions.SSLError) and not includes(causes, *LOST):
        return ConfigurationError(f"{url}: no secure connection is possible. Are the address and port right?")
    if isinstance(error, ValueError):
        return ConfigurationError(f"{url}: is not usable. Is the address right, and the proxy's?")
    if isinstance(error, OSError) and not isinstance(error, (exceptions.RequestException, TimeoutError)):
        return ConfigurationError(
            "REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE: the file that they name cannot be read. Is the path right?"
        )
    return explain_loss(causes, url)


def explain_distrust(verify_code: int) -> str:
    if verify_code in OUTSIDE_VALIDITY:
        return "it has expired or is not valid yet. Is this machine's clock right?"
    if verify_code in NAME_MISMATCH:
        return "it is for another name. Is the address right?"
    return (
        "this machine does not know the authority that issued it. If a proxy inspects TLS or the authority "
        "is private, set REQUESTS_CA_BUNDLE to a PEM file with that authority. Is the address right?"
    )


def explain_loss(causes: list[BaseException], url: str) -> TemporaryFailure:
    if includes(causes, ProxyError):
        return NothingSent(f"{url}: no connection through the proxy. Is it running, and its address right?")
    if includes(causes, NameResolutionError):
        return NothingSent(f"{url}: the host name cannot be resolved. Is the address right?")
    if includes(causes, *NOT_CONNECTED):
        return NothingSent(f"{url}: no connection. Is the server running?")
    loss = "no answer in time" if includes(causes, *TIMED_OUT) else "the connection was lost"
    return TemporaryFailure(
        f"{url}: {loss}. What was sent may still have arrived; run it again later.",
        f"{url}: {loss}.",
    )


def walk_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        # urllib3 passes on some causes only as arguments.
        wrapped = (argument for argument in error.args if isinstance(argument, BaseException))
        error = error.__cause__ or error.__context__ or next(wrapped, None)


def includes(causes: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)
