"""Responses of a web server, correct and faulty: each responder writes to the socket of a connection."""

import itertools
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

Responder = Callable[[socket.socket], None]


def compose(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """A complete HTTP/1.1 response, after which the connection is closed."""
    given = {"Content-Length": str(len(body)), "Connection": "close", **(headers or {})}
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {given[name]}" for name in given)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def send(*pieces: bytes) -> Responder:
    """Exactly these bytes, HTTP or not."""

    def respond(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)

    return respond


def content(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Responder:
    return send(compose(body, status, headers))


def document(members: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Responder:
    """A correct JSON response."""
    named = {"Content-Type": "application/json", **(headers or {})}
    return content(json.dumps(members).encode(), status, named)


def redirect(location: str, status: int = 302) -> Responder:
    return content(b"", status, {"Location": location})


def chunked(body: bytes, size: int = 7) -> Responder:
    """The body with chunked transfer coding (RFC 9112, section 7.1)."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""]]
    return send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *chunks)


def close(connection: socket.socket) -> None:
    """Send nothing, and close the connection."""


def reset(connection: socket.socket) -> None:
    """Abort the connection, so that the caller sees a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def hang(connection: socket.socket) -> None:
    """Send nothing until the caller disconnects."""
    connection.recv(1)


def drip(head: bytes, drops: bytes, pause_seconds: float = 0.5) -> Responder:
    """Send `head` at once, then `drops` one by one, so that no single read takes long."""

    def respond(connection: socket.socket) -> None:
        connection.sendall(head)
        for drop in drops:
            time.sleep(pause_seconds)
            connection.sendall(bytes([drop]))

    return respond


def repeat(head: bytes, piece: bytes, times: int) -> Responder:
    """Send `piece` many times, without holding the whole body in memory."""

    def respond(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(times):
            connection.sendall(piece)

    return respond


def after(gate: threading.Event, responder: Responder) -> Responder:
    """Respond when the event `gate` is set."""

    def wait(connection: socket.socket) -> None:
        if gate.wait(30):
            responder(connection)

    return wait


def delayed(seconds: float, responder: Responder) -> Responder:
    def wait(connection: socket.socket) -> None:
        time.sleep(seconds)
        responder(connection)

    return wait


def take_turns(*responders: Responder) -> Responder:
    """Use the responders in rotation, like servers behind one name that disagree."""
    turns = itertools.cycle(responders)
    return lambda connection: next(turns)(connection)
