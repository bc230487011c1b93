"""Connect to a host within a deadline, even if some addresses do not respond. Knows neither TLS nor HTTP."""

import os
import selectors
import socket
import threading
import time
from collections import deque
from contextlib import ExitStack, suppress
from typing import Any, cast

# How long an attempt runs before the next one starts too (RFC 8305 section 5).
HEAD_START_SECONDS = 0.25


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
    """A connection to the first of the host's addresses that accepts one (RFC 8305, "Happy Eyeballs").

    `seconds` limits all attempts together, and is the timeout of the connection. Raises OSError.
    """
    ends_at = time.monotonic() + seconds
    addresses = deque(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    head_start_seconds = min(HEAD_START_SECONDS, seconds / len(addresses))
    failure: OSError = TimeoutError()
    with ExitStack() as attempts, selectors.DefaultSelector() as pending:
        while addresses or pending.get_map():
            seconds_left = ends_at - time.monotonic()
            if seconds_left <= 0:
                raise TimeoutError
            try:
                if addresses:
                    pending.register(_start_attempt(addresses.popleft(), attempts), selectors.EVENT_WRITE)
                wait_seconds = min(head_start_seconds, seconds_left) if addresses else seconds_left
                for ended, _ in pending.select(wait_seconds):
                    pending.unregister(ended.fileobj)
                    return _take_connection(cast("socket.socket", ended.fileobj), seconds)
            except OSError as error:
                failure = error
        raise failure


def _start_attempt(address: tuple[Any, ...], attempts: ExitStack) -> socket.socket:
    family, kind, protocol, _, socket_address = address
    attempt = attempts.enter_context(socket.socket(family, kind, protocol))
    attempt.setblocking(False)
    with suppress(BlockingIOError):
        attempt.connect(socket_address)
    return attempt


def _take_connection(attempt: socket.socket, seconds: float) -> socket.socket:
    """The connection of an attempt that has ended, as a socket of its own. Raises OSError if it failed."""
    if error := attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(error, os.strerror(error))
    connection = socket.socket(fileno=attempt.detach())
    connection.settimeout(seconds)
    return connection
