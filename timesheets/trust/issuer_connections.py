"""Connect to a host within a deadline, even if some addresses do not respond. Knows neither TLS nor HTTP."""

import socket
import threading
import time
from contextlib import ExitStack, suppress


def open_connection(host: str, port: int, seconds: float, resources: ExitStack) -> socket.socket:
    """A connection that is cut after `seconds`, even in the middle of a read. Raises OSError.

    A socket's timeout restarts with every byte, so it does not stop a server that drips bytes.
    """
    ends_at = time.monotonic() + seconds
    connection = resources.enter_context(connect(host, port, seconds))
    # A duplicate, which stays valid when TLS takes over the original.
    handle = resources.enter_context(connection.dup())

    def cut() -> None:
        # It may already be closed.
        with suppress(OSError):
            handle.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, ends_at - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    resources.callback(timer.cancel)
    return connection


def connect(host: str, port: int, seconds: float) -> socket.socket:
    """A connection to the first of the host's addresses that accepts one. Raises OSError.

    All attempts together take at most `seconds`: each address has an equal share of the time that is left.
    """
    ends_at = time.monotonic() + seconds
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError = TimeoutError()
    for tried, (*_, address) in enumerate(addresses):
        share_seconds = (ends_at - time.monotonic()) / (len(addresses) - tried)
        try:
            connection = socket.create_connection((str(address[0]), port), max(share_seconds, 0.001))
        except OSError as error:
            failure = error
        else:
            connection.settimeout(seconds)
            return connection
    raise failure
