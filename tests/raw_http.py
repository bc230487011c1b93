"""Callers that mean harm, over plain sockets: bodies that never end, connections that say nothing."""

import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

FORM = "application/x-www-form-urlencoded"
BOUNDARY = "boundary"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
FILE_PART = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'.encode()
# Django reads a form's body only for a caller that has this cookie.
CSRF_COOKIE = f"csrftoken={'a' * 32}"


def write_head(port: int, path: str, length: int, content_type: str, **headers: str) -> bytes:
    """The head of a POST, with the cookie that makes Django read a form; `_` in a name means `-`."""
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
    """So many connections, each of which sends `begin_with` and then nothing."""
    with ExitStack() as stack:
        connections = []
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), 20))
            connection.sendall(begin_with)
            connections.append(connection)
        yield connections


def receive_status(connection: socket.socket) -> int:
    """The status of the answer; TimeoutError if there is none while the connection's own timeout lasts."""
    answer = connection.recv(65536)
    return int(answer.split(b" ", 2)[1])


def receive_statuses(connections: list[socket.socket]) -> set[int]:
    """The statuses of the answers that have come, of which there is at least one within 20 seconds."""
    answered, _, _ = select.select(connections, [], [], 20)
    return {receive_status(connection) for connection in answered}


def send_body(port: int, head: bytes, first: bytes, length: int) -> tuple[int, int]:
    """Send a body of `length` bytes that begins with `first`, until it is sent or the server has enough.

    The bytes that were taken, and the status of the answer; 0 if the connection ended without one.
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
