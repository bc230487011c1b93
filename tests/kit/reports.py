"""A server behind a proxy that reports what reaches it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Api(BaseHTTPRequestHandler):
    """Reports in headers the time, path, forwarding headers and header names of each request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Called-At", str(time.monotonic()))
        self.send_header("Called-Path", self.path)
        self.send_header("Called-Over", ",".join(self.headers.get_all("X-Forwarded-Proto", [])))
        self.send_header("Called-For", ",".join(self.headers.get_all("X-Forwarded-For", [])))
        self.send_header("Called-With", ",".join(self.headers))
        self.send_header("Content-Length", "0")
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.end_headers()

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def serve_reports() -> Iterator[int]:
    """The port of the server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Api)
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()
