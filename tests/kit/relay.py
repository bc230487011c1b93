"""A TCP relay on loopback that can cut connections."""

import socket
import threading
from contextlib import suppress


class Relay:
    """Passes bytes on to a port of this machine.

    Once `trigger` is set, it cuts a connection right after it has passed on a request with these bytes, and
    the answer to that request is lost.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self.trigger: bytes | None = None
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in (self._listener, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
                target = socket.create_connection(("127.0.0.1", self._target_port), 10)
            except OSError:
                return
            target.settimeout(None)
            self._sockets += [caller, target]
            threading.Thread(target=self._pass_requests, args=[caller, target], daemon=True).start()
            threading.Thread(target=self._pass_answers, args=[target, caller], daemon=True).start()

    def _pass_requests(self, caller: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while request := caller.recv(65536):
                if self.trigger and self.trigger in request:
                    self.cuts += 1
                    caller.shutdown(socket.SHUT_RDWR)
                target.sendall(request)
        with suppress(OSError):
            # The target reads the rest of the request before it notices.
            target.shutdown(socket.SHUT_WR)

    def _pass_answers(self, target: socket.socket, caller: socket.socket) -> None:
        with suppress(OSError):
            while answer := target.recv(65536):
                caller.sendall(answer)
        with suppress(OSError):
            caller.shutdown(socket.SHUT_RDWR)
