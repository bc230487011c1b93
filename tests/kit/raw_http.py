"""HTTP over plain sockets, for clients that misbehave: endless bodies, silent connections."""

import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

FORM = "application/x-www-form-urlencoded"
BOUNDARY = "boundary"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
FILE_PART = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'.encode()
# Django reads the body of a form only for a client with this cookie.
CSRF_COOKIE = f"csrftoken={'a' * 32}"


def write_head(port: int, path: str, length: int, content_type: str, **headers: str) -> bytes:
    """The head of a POST, with the cookie that makes Django read a form. `_` in a header name means `-`."""
    every = {
        "Host": f"127.0.0.1:{port}",
        "Content-Type": content_type,
        "Content-Length": str(length),
        "Cookie": CSRF_COOKIE,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in every.items())]
    return "\r\n".join([*lines, "", ""]).encode()


@contextmanager
def open_connections(port: int, count: int, begin_with: bytes = b"") -> Iterator[list[socket.socket]]:
    """`count` connections. Each sends `begin_with` and then nothing."""
    with ExitStack() as stack:
        connections = []
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), 20))
            connection.sendall(begin_with)
            connections.append(connection)
        yield connections


def receive_status(connection: socket.socket) -> int:
    """The status of the response. Raises TimeoutError if there is none within the connection's timeout."""
    response = connection.recv(65536)
    return int(response.split(b" ", 2)[1])


def receive_statuses(connections: list[socket.socket]) -> set[int]:
    """The statuses of the responses that have arrived, after waiting up to 20 seconds for the first."""
    answered, _, _ = select.select(connections, [], [], 20)
    return {receive_status(connection) for connection in answered}


def send_body(port: int, head: bytes, first: bytes, length: int) -> tuple[int, int]:
    """Send a body of `length` bytes that begins with `first`, until all is sent or the server stops reading.

    Returns the number of bytes sent, and the status of the response or 0.
    """
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(head)
        piece, sent = first.ljust(65536, b"x"), 0
        try:
            while sent < length:
                connection.sendall(piece[: length - sent])
                sent, piece = sent + len(piece), b"x" * 65536
            return sent, receive_status(connection)
        except (ConnectionError, IndexError):
            return sent, 0
