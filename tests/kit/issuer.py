"""An authorization server for tests, on loopback, with real keys, tokens and documents.

Tests can rotate and withdraw its keys, stop it, and make it misbehave. It knows no web framework and nothing
about its callers.
"""

import json
import re
import socketserver
import ssl
import threading
import time
from typing import Any, cast

import jwt

from tests.kit.responders import Responder, content, document
from tests.kit.signing_keys import SigningKey


class Issuer:
    """Publishes `keys`, and mints Auth0's default access tokens with `key`, the last of them.

    `answers` maps a path to a responder that replaces the normal response. `headers` are added to the normal
    documents, and `metadata` is the metadata document.
    """

    def __init__(
        self,
        audience: str = "https://timesheets.example.com",
        *,
        path: str = "/",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.audience = audience
        self.keys = [SigningKey("first")]
        self.headers: dict[str, str] = {}
        self.answers: dict[str, Responder] = {}
        self._tls = tls
        # Each request: its head, and its body.
        self.received: list[str] = []
        self._changed = threading.Condition(threading.RLock())
        self._server = self._listen(0)
        origin = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_address[1]}"
        tenant = path.rstrip("/")
        self.url = f"{origin}{path}"
        self.jwks_path = f"{tenant}/.well-known/jwks.json"
        self.jwks_url = f"{origin}{self.jwks_path}"
        self.openid_path = f"{tenant}/.well-known/openid-configuration"
        self.oauth_path = f"/.well-known/oauth-authorization-server{tenant}"
        self.metadata: dict[str, Any] = {"issuer": self.url, "jwks_uri": self.jwks_url}

    @property
    def key(self) -> SigningKey:
        return self.keys[-1]

    def rotate(self, key_id: str = "second") -> SigningKey:
        """Sign with a new key from now on, and publish it next to the old ones."""
        self.keys = [*self.keys, SigningKey(key_id)]
        return self.key

    def withdraw(self, key_id: str) -> None:
        self.keys = [key for key in self.keys if key.key_id != key_id]

    def publish(self, *jwks: Any, **headers: str) -> None:
        """Respond with a JWK Set of these members, valid or not."""
        self.answers[self.jwks_path] = document({"keys": jwks}, headers=headers)

    def behave(self) -> None:
        self.answers.clear()

    def count(self, path: str | None = None) -> int:
        """The number of requests for `path`, by default for the keys."""
        with self._changed:
            return sum(_read_path(head) == (path or self.jwks_path) for head in self.received)

    def wait_for_request(self, number: int, path: str | None = None) -> None:
        """Return when there have been this many requests in total."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.count(path) >= number, 10):
                raise TimeoutError(f"request {number} did not arrive")

    def stop(self) -> None:
        """Refuse connections."""
        self._server.shutdown()
        self._server.server_close()

    close = stop

    def start(self) -> None:
        """Listen again, at the same address."""
        self._server = self._listen(self._server.server_address[1])

    def mint(
        self,
        *,
        header: dict[str, Any] | None = None,
        key: SigningKey | None = None,
        algorithm: str | None = None,
        **claims: Any,
    ) -> str:
        """A token with claims and header parameters added or changed, or left out if None."""
        now = int(time.time())
        all_claims = {
            "iss": self.url,
            "sub": "payroll@clients",
            "aud": self.audience,
            "iat": now,
            "exp": now + 3600,
            "azp": "payroll",
            "gty": "client-credentials",
            "scope": "batch:upload",
            **claims,
        }
        key = key or self.key
        algorithm = algorithm or key.algorithm
        all_headers = {"typ": "JWT", "alg": algorithm, "kid": key.key_id, **(header or {})}
        return self.sign(_encode(all_headers), _encode(all_claims), key, algorithm)

    def sign(
        self, header: bytes, payload: bytes, key: SigningKey | None = None, algorithm: str | None = None
    ) -> str:
        """A token of exactly these bytes, valid or not, with a matching signature."""
        key = key or self.key
        signed = f"{to_base64url(header)}.{to_base64url(payload)}"
        signer = jwt.get_algorithm_by_name(algorithm or key.algorithm)
        return f"{signed}.{to_base64url(signer.sign(signed.encode(), key.private_key))}"

    def _choose_responder(self, head: str) -> Responder:
        with self._changed:
            self.received.append(head)
            self._changed.notify_all()
        path = _read_path(head)
        if path in self.answers:
            return self.answers[path]
        if path == self.jwks_path:
            return document({"keys": [key.to_jwk() for key in self.keys]}, headers=self.headers)
        if path in (self.openid_path, self.oauth_path):
            return document(self.metadata, headers=self.headers)
        return content(b"Not Found", 404)

    def _listen(self, port: int) -> "_Server":
        server = _Server(("127.0.0.1", port), self._choose_responder, self._tls)
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        return server


class _Server(socketserver.ThreadingTCPServer):
    """Chooses a responder by the head of each request, and hands it the connection's socket."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 100

    def __init__(self, address: tuple[str, int], choose: Any, tls: ssl.SSLContext | None) -> None:
        self.choose, self.tls = choose, tls
        super().__init__(address, _Exchange)

    def get_request(self) -> Any:
        connection, address = super().get_request()
        if self.tls:
            # The handshake happens at the first read, in the thread of the connection.
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore callers that disconnect early, as many tests do on purpose."""


class _Exchange(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        received = b""
        while not _is_complete(received) and (more := self.request.recv(4096)):
            received += more
        if received:
            cast("_Server", self.server).choose(received.decode("latin-1"))(self.request)


def _is_complete(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"\r\nContent-Length: (\d+)", head)
    return bool(end) and len(body) >= int(length[1] if length else 0)


def _read_path(head: str) -> str:
    return head.split(" ", 2)[1].partition("?")[0]


def _encode(members: dict[str, Any]) -> bytes:
    return json.dumps({name: value for name, value in members.items() if value is not None}).encode()


def to_base64url(raw: bytes) -> str:
    return jwt.utils.base64url_encode(raw).decode()
