"""Send requests over kept connections as fast as a server answers, and record how long each answer takes."""

import selectors
import socket
import time
from collections.abc import Iterator


class _Connection:
    """A connection with one request in transit."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: bytes) -> None:
        self._received = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Read what has arrived. True if the answer is complete. Raises RuntimeError unless it is a 201."""
        self._received += self.socket.recv(65536)
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return False
        if not head.startswith(b"HTTP/1.1 201"):
            raise RuntimeError(f"The server answered:\n{self._received.decode()}")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        return len(body) >= int(length)


def send_all(
    port: int, requests: Iterator[bytes], *, connections: int, seconds: float
) -> tuple[float, list[float]]:
    """Send requests for some seconds, each connection the next one when it has its answer.

    Returns the answers per second, and how long each took.
    """
    selector = selectors.DefaultSelector()
    taken: list[float] = []
    for _ in range(connections):
        connection = _Connection(port)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send(next(requests))
    begin = time.perf_counter()
    while (now := time.perf_counter()) < begin + seconds:
        for key, _ in selector.select():
            if key.data.receive():
                taken.append(time.perf_counter() - key.data.sent_at)
                key.data.send(next(requests))
    for key in list(selector.get_map().values()):
        key.data.socket.close()
    return len(taken) / (now - begin), taken
