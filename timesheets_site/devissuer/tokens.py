"""Grant a client credentials request (RFC 6749 section 4.4), as Auth0 does."""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus


class TokenRequestRefused(Exception):
    """An error response of RFC 6749 section 5.2. Its message is the description."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.status = error, status


def read_basic_credentials(authorization: str) -> dict[str, str]:
    """Return client id and secret, each form-encoded in the Basic value (RFC 6749 section 2.3.1)."""
    scheme, _, value = authorization.partition(" ")
    try:
        client_id, separator, client_secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        separator = ""
    if scheme.lower() != "basic" or not separator:
        raise TokenRequestRefused("invalid_client", "The Authorization header has no Basic credentials.", 401)
    return {"client_id": unquote_plus(client_id), "client_secret": unquote_plus(client_secret)}


def require_client(parameters: Mapping[str, Any], clients: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the client that has this id and secret. Raises TokenRequestRefused."""
    client: Mapping[str, Any] | None = clients.get(str(parameters.get("client_id")))
    if client is None or parameters.get("client_secret") != client["client_secret"]:
        raise TokenRequestRefused("invalid_client", "No client has this client_id and client_secret.", 401)
    return client


def grant_scope(parameters: Mapping[str, Any], clients: Mapping[str, Any], audience: str) -> str:
    """Return the scope to grant for the API `audience`. Raises TokenRequestRefused."""
    if parameters.get("grant_type") != "client_credentials":
        raise TokenRequestRefused("unsupported_grant_type", "There is no such grant_type here.")
    client = require_client(parameters, clients)
    requested = parameters.get("audience")
    if requested != audience:
        # As Auth0 does. RFC 8707 section 2 has `invalid_target` for this.
        problem = f"Service not found: {requested}" if requested else "No audience parameter was provided"
        raise TokenRequestRefused("access_denied", f"{problem}. The only one here is {audience}", 403)
    granted = client["scope"].split()
    scopes = str(parameters.get("scope") or client["scope"]).split()
    if unknown := [scope for scope in scopes if scope not in granted]:
        raise TokenRequestRefused("invalid_scope", f"This client is not granted: {' '.join(unknown)}")
    return " ".join(scope for scope in granted if scope in scopes)
