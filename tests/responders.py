"""What a web server may answer, in order or not: functions that write to the caller's socket."""

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
    """A whole answer of HTTP/1.1, after which the connection ends."""
    given = {"Content-Length": str(len(body)), "Connection": "close", **(headers or {})}
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {given[name]}" for name in given)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def send(*pieces: bytes) -> Responder:
    """These very bytes, whether or not they are HTTP."""

    def answer(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)

    return answer


def content(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Responder:
    return send(compose(body, status, headers))


def document(members: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Responder:
    """JSON, as it should be."""
    named = {"Content-Type": "application/json", **(headers or {})}
    return content(json.dumps(members).encode(), status, named)


def redirect(location: str, status: int = 302) -> Responder:
    return content(b"", status, {"Location": location})


def chunked(body: bytes, size: int = 7) -> Responder:
    """The body in chunks (RFC 9112 section 7.1)."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""]]
    return send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *chunks)


def close(connection: socket.socket) -> None:
    """Not a byte."""


def reset(connection: socket.socket) -> None:
    """End the connection in the middle, so that the caller's system calls it reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def hang(connection: socket.socket) -> None:
    """Say nothing until the caller goes away."""
    connection.recv(1)


def drip(head: bytes, drops: bytes, pause_seconds: float = 0.5) -> Responder:
    """`head` at once, then `drops` one by one, so that no single read takes long."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        for drop in drops:
            time.sleep(pause_seconds)
            connection.sendall(bytes([drop]))

    return answer


def repeat(head: bytes, piece: bytes, times: int) -> Responder:
    """More than anybody wants to keep, without keeping it here either."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(times):
            connection.sendall(piece)

    return answer


def after(gate: threading.Event, responder: Responder) -> Responder:
    """`answer`, once `gate` is open."""

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
    """One after the other, over and over: what servers behind one name do that disagree."""
    turns = itertools.cycle(responders)
    return lambda connection: next(turns)(connection)
