"""Access tokens signed with a test key, and a loopback server in place of the issuer and the API."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import connections

from tests.kit.issuer import Issuer

if TYPE_CHECKING:
    from tests.client.api import Api

AUDIENCE = "https://timesheets.example.com"
SECRET = "secret-of-payroll-0123456789abcdef"
MESSAGE = "Created timesheet 14 for employee 007"
SIGNING_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def mint_token(**claims: Any) -> str:
    """An access token like Auth0's for the client `payroll`, without the claims that are None."""
    now = int(time.time())
    default = {
        "iss": "https://example.eu.auth0.com/",
        "sub": "payroll@clients",
        "aud": AUDIENCE,
        "azp": "payroll",
        "iat": now,
        "exp": now + 3600,
        "scope": "batch:upload",
    }
    present = {name: value for name, value in (default | claims).items() if value is not None}
    return jwt.encode(present, SIGNING_KEY, "RS256", headers={"kid": "1"})


def token_document(token: str) -> dict[str, Any]:
    return {"access_token": token, "token_type": "Bearer", "expires_in": 3600}


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    body: bytes | dict[str, Any] = b""
    headers: dict[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True, kw_only=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


class Site:
    """Answers requests from `replies` and records them. Hangs at `hangs_at` until `release` is set."""

    def __init__(self, address: str, state_dir: Path) -> None:
        self.address, self.state_dir = address, state_dir
        self.token = mint_token()
        self.received: list[Received] = []
        self.arrived = Event()
        self.release = Event()
        self.hangs_at = ""
        # Answers what has no reply.
        self.api: Callable[[Received], Reply] | None = None
        self.replies: dict[str, Reply | Callable[[Received], Reply]] = {
            "/oauth/token": Reply(status=200, body=token_document(self.token)),
            "/timesheets/upload": Reply(status=201, body={"id": 14, "message": MESSAGE}),
        }

    @property
    def variables(self) -> dict[str, str]:
        return {
            "OAUTH_TOKEN_URL": f"{self.address}/oauth/token",
            "AUTH0_AUDIENCE": AUDIENCE,
            "AUTH0_CLIENT_ID": "payroll",
            "AUTH0_CLIENT_SECRET": SECRET,
            "TIMESHEETS_API_URL": self.address,
            "TIMESHEETS_STATE_DIR": str(self.state_dir),
        }

    def count(self, path: str) -> int:
        return sum(received.path == path for received in self.received)

    def answer(self, received: Received) -> Reply:
        self.received.append(received)
        path = received.path.partition("?")[0]
        if self.hangs_at == path:
            self.arrived.set()
            self.release.wait(60)
        reply = self.replies.get(path)
        if reply is None and self.api:
            return self.api(received)
        if reply is None:
            return Reply(status=404, body=b"<html>Not Found</html>")
        return reply(received) if callable(reply) else reply


def make_handler(find_site: Callable[[], Site]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # In two packets, a body waits 40 ms for the acknowledgment of its headers.
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            reply = find_site().answer(Received(path=self.path, headers=dict(self.headers), body=body))
            content = reply.encode()
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(content)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST  # noqa: N815  The name is http.server's.

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  The name is http.server's.
            pass

    return Handler


class Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Ignores connections that a test closes early."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    server = Server(("127.0.0.1", 0), make_handler(lambda: served))
    served = Site(f"http://127.0.0.1:{server.server_port}", tmp_path / "state")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    (tmp_path / "spool").mkdir()
    return tmp_path / "spool"


@pytest.fixture
def api(site: Site, issuer: Issuer, db: None) -> Iterator["Api"]:
    # It imports this module.
    from tests.client.api import Api

    connection = connections["default"]
    connection.inc_thread_sharing()
    yield Api(site, issuer)
    connection.dec_thread_sharing()


OF_THE_DEVELOPER = "http_proxy https_proxy all_proxy no_proxy requests_ca_bundle curl_ca_bundle"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides the developer's proxies, authorities and netrc from requests, and the terminal's width."""
    monkeypatch.setenv("COLUMNS", "80")
    for name in OF_THE_DEVELOPER.split():
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("NETRC", "/nonexistent")
