"""Say in our own words why no answer came. Quotes nothing: the errors of requests may hold secrets."""

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
# Raised before the request is on its way.
NOT_CONNECTED = (ConnectTimeoutError, NewConnectionError)
# OpenSSL's X509_V_ERR_*, which Python has no names for.
OUT_OF_DATE = (9, 10)
OTHER_NAME = (62, 64)
CUT_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError, TimeoutError)


def explain_failure(error: Exception, url: str) -> UploadError:
    """The error to raise where `error` came in place of an answer of `url`."""
    causes = list(walk_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            owner = "proxy" if includes(causes, ProxyError) else "server"
            return ConfigurationError(
                f"{url}: the {owner}'s certificate cannot be trusted: {explain_distrust(cause.verify_code)}"
            )
    if isinstance(error, exceptions.SSLError) and not includes(causes, *CUT_OFF):
        return ConfigurationError(f"{url}: no secure connection is possible. Are address and port right?")
    if isinstance(error, ValueError):
        return ConfigurationError(
            f"{url}: cannot be called. Is the address right, and the proxy's if there is one?"
        )
    if isinstance(error, OSError) and not isinstance(error, (exceptions.RequestException, TimeoutError)):
        return ConfigurationError(
            "REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE: the file that they name cannot be read."
        )
    return explain_loss(causes, url)


def explain_distrust(verify_code: int) -> str:
    if verify_code in OUT_OF_DATE:
        return "it has expired or is not valid yet. Is this machine's clock right?"
    if verify_code in OTHER_NAME:
        return "it is for another name. Is the address right?"
    return (
        "this machine does not know the authority that issued it. A proxy that inspects TLS or a private "
        "authority can be the reason: set REQUESTS_CA_BUNDLE to a PEM file with that authority. "
        "Is the address right?"
    )


def explain_loss(causes: list[BaseException], url: str) -> TemporaryFailure:
    if includes(causes, ProxyError):
        return NothingSent(
            f"{url}: no connection through the proxy. Is the proxy running, and its address right?"
        )
    if includes(causes, NameResolutionError):
        return NothingSent(f"{url}: this name cannot be found. Is the address right?")
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
        # urllib3 hands some causes on as arguments only.
        wrapped = (argument for argument in error.args if isinstance(argument, BaseException))
        error = error.__cause__ or error.__context__ or next(wrapped, None)


def includes(causes: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)
