"""An authorization server for tests: real keys, real tokens, and a JWK Set served on loopback."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa


class SigningKey:
    """An RSA key pair under a `kid`."""

    def __init__(self, key_id: str, bits: int = 2048) -> None:
        self.key_id = key_id
        self.private_key = rsa.generate_private_key(public_exponent=65537, key_size=bits)

    def to_jwk(self) -> dict[str, Any]:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.private_key.public_key(), as_dict=True)
        return {**public, "kid": self.key_id, "use": "sig", "alg": "RS256"}


class Issuer:
    """Serves the public half of `key` and mints Auth0's default access tokens with it.

    `mint()` takes claims and header parameters to add or change; one that is None is left out.
    """

    def __init__(self, audience: str) -> None:
        self.audience = audience
        self.key = SigningKey("first")
        self.status = 200
        self.document: dict[str, Any] = {"keys": [self.key.to_jwk()]}
        self.requests = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def mint(
        self,
        *,
        header: dict[str, Any] | None = None,
        key: SigningKey | None = None,
        algorithm: str = "RS256",
        **claims: Any,
    ) -> str:
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
        all_headers = {"typ": "JWT", "alg": algorithm, "kid": key.key_id, **(header or {})}
        return self.sign(_encode(_given(all_headers)), _encode(_given(all_claims)), key, algorithm)

    def sign(
        self, header: bytes, payload: bytes, key: SigningKey | None = None, algorithm: str = "RS256"
    ) -> str:
        """A token of these very bytes, whatever they are, with a signature that fits them."""
        signed = f"{_to_base64url(header)}.{_to_base64url(payload)}"
        signer = jwt.get_algorithm_by_name(algorithm)
        signature = signer.sign(signed.encode(), (key or self.key).private_key)
        return f"{signed}.{_to_base64url(signature)}"

    def _make_handler(issuer) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.requests += 1
                body = json.dumps(issuer.document).encode()
                self.send_response(issuer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        return Handler


def _given(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _encode(members: dict[str, Any]) -> bytes:
    return json.dumps(members).encode()


def _to_base64url(raw: bytes) -> str:
    return jwt.utils.base64url_encode(raw).decode()
