"""Decide what a token request is granted: by client credentials, as Auth0 does, or by a code."""

import secrets
from collections.abc import Mapping
from typing import Any

from authlib.oauth2.rfc7636 import create_s256_code_challenge

CODE_LIFETIME_SECONDS = 60

# By code, when it expires, who signed in, and what the web client requested.
_grants: dict[str, tuple[float, str, Mapping[str, str]]] = {}


class TokenRequestRefused(Exception):
    """An error response of RFC 6749 section 5.2. Its message is the description."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.status = error, status


def require_client(parameters: Mapping[str, Any], clients: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the client that has this id and secret. Raises TokenRequestRefused."""
    client: Mapping[str, Any] | None = clients.get(str(parameters.get("client_id")))
    if client is None or parameters.get("client_secret") != client["client_secret"]:
        raise TokenRequestRefused("invalid_client", "No client has this client_id and client_secret.", 401)
    return client


def grant_scope(parameters: Mapping[str, Any], clients: Mapping[str, Any], audience: str) -> str:
    """Return the scope to grant for the API `audience` (RFC 6749 section 4.4). Raises TokenRequestRefused."""
    if parameters.get("grant_type") != "client_credentials":
        raise TokenRequestRefused("unsupported_grant_type", "There is no such grant_type here.")
    client = require_client(parameters, clients)
    if (requested := parameters.get("audience")) != audience:
        # As Auth0 does. RFC 8707 section 2 has `invalid_target` for this.
        problem = f"Service not found: {requested}" if requested else "No audience parameter was provided"
        raise TokenRequestRefused("access_denied", f"{problem}. The only one here is {audience}", 403)
    granted = client["scope"].split()
    scopes = str(parameters.get("scope") or client["scope"]).split()
    if unknown := [scope for scope in scopes if scope not in granted]:
        raise TokenRequestRefused("invalid_scope", f"This client is not granted: {' '.join(unknown)}")
    return " ".join(scope for scope in granted if scope in scopes)


def check_request(parameters: Mapping[str, str], client: Mapping[str, Any], audience: str) -> None:
    """Raise TokenRequestRefused unless the web client may get a code for what it requests."""
    expected = {
        "client_id": [client["client_id"]],
        "redirect_uri": client["redirect_uris"],
        "response_type": ["code"],
        "code_challenge_method": ["S256"],
        "resource": [audience],
    }
    if wrong := [name for name, values in expected.items() if parameters.get(name) not in values]:
        raise TokenRequestRefused("invalid_request", f"Not as registered: {', '.join(wrong)}")


def issue_code(parameters: Mapping[str, str], person: str, now: float) -> str:
    code = secrets.token_urlsafe(32)
    _grants[code] = now + CODE_LIFETIME_SECONDS, person, parameters
    return code


def redeem_code(
    sent: Mapping[str, Any], client: Mapping[str, Any], now: float
) -> tuple[str, Mapping[str, str]]:
    """Return who signed in, and what was requested. A code is used up even if something else is wrong."""
    require_client(sent, {client["client_id"]: client})
    expires_at, person, requested = _grants.pop(str(sent.get("code")), (now, "", {}))
    challenge = create_s256_code_challenge(str(sent.get("code_verifier")))
    expected = {"code_challenge": challenge, "redirect_uri": sent.get("redirect_uri")}
    if expires_at <= now or not expected.items() <= requested.items():
        raise TokenRequestRefused("invalid_grant", "The code, or what was sent with it, is not valid.")
    return person, requested
