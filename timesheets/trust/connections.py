"""Connect to a host of which some addresses may be dead. Knows neither TLS nor HTTP."""

import os
import selectors
import socket
import time
from collections import deque
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Any, Self, cast

# How long an address is tried alone before the next one is tried too (RFC 8305 section 5).
HEAD_START_SECONDS = 0.25


def connect(host: str, port: int, seconds: float) -> socket.socket:
    """A connection to the first of the host's addresses that accepts one, within `seconds`, its timeout too.

    A dead address delays the next one only a little (RFC 8305, "Happy Eyeballs"). Raises OSError.
    """
    ends_at = time.monotonic() + seconds
    addresses = deque(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    head_start_seconds = min(HEAD_START_SECONDS, seconds / len(addresses))
    with _Attempts() as attempts:
        while addresses or attempts.are_pending:
            if addresses:
                attempts.begin(addresses.popleft())
            seconds_left = ends_at - time.monotonic()
            if seconds_left <= 0:
                raise TimeoutError
            connection = attempts.wait(min(head_start_seconds, seconds_left) if addresses else seconds_left)
            if connection is not None:
                connection.settimeout(seconds)
                return connection
        raise attempts.failure


class _Attempts:
    """The attempts to connect that are under way. `failure` is why the last one failed that did."""

    def __init__(self) -> None:
        self.failure: OSError = TimeoutError()
        self._resources = ExitStack()
        self._pending = self._resources.enter_context(selectors.DefaultSelector())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._resources.close()

    @property
    def are_pending(self) -> bool:
        return bool(self._pending.get_map())

    def begin(self, address: tuple[Any, ...]) -> None:
        family, kind, protocol, _, socket_address = address
        try:
            attempt = self._resources.enter_context(socket.socket(family, kind, protocol))
            attempt.setblocking(False)
            with suppress(BlockingIOError):
                attempt.connect(socket_address)
        except OSError as failure:
            self.failure = failure
        else:
            self._pending.register(attempt, selectors.EVENT_WRITE)

    def wait(self, seconds: float) -> socket.socket | None:
        """The first attempt that succeeds; None once one has failed, or none has ended in time."""
        for ended, _ in self._pending.select(seconds) if self.are_pending else ():
            attempt = cast("socket.socket", ended.fileobj)
            self._pending.unregister(attempt)
            error = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not error:
                return socket.socket(fileno=attempt.detach())
            self.failure = OSError(error, os.strerror(error))
        return None
