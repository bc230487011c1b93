"""Turn a client credentials request into a signed token, as Auth0 does (RFC 6749 section 4.4)."""

import base64
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import jwt

from timesheets_site.devissuer.keys import SigningKey

LIFETIME_SECONDS = 24 * 3600

# RFC 6749 appendix A allows printable ASCII in each of these parameters.
_PRINTABLE_ASCII = re.compile(r"[\x20-\x7e]*")


class TokenRequestRefused(Exception):
    """An error response of RFC 6749 section 5.2. Its message is the description."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        # Section 5.2 allows neither quotes nor backslashes, and only printable ASCII.
        super().__init__(re.sub(r'[^\x20-\x7e]|["\\]', "?", description))
        self.error, self.status = error, status


def read_token_request(*, content_type: str, authorization: str, body: bytes) -> dict[str, str]:
    """Return the parameters, with the client's id and secret from the body or from HTTP Basic.

    The body is JSON, as Auth0 documents, or a form, as RFC 6749 requires. Raises TokenRequestRefused.
    """
    pairs = _read_pairs(content_type, body)
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name in parameters:
            raise TokenRequestRefused("invalid_request", f"The parameter {name} is repeated.")
        if not isinstance(value, str) or not _PRINTABLE_ASCII.fullmatch(value):
            description = f"The parameter {name} must be a string of printable ASCII."
            raise TokenRequestRefused("invalid_request", description)
        parameters[name] = value
    # RFC 6749 section 3.2: a parameter without a value counts as omitted.
    sent = {name: value for name, value in parameters.items() if value}
    return {**sent, **_read_basic_credentials(authorization, sent)} if authorization else sent


def _read_pairs(content_type: str, body: bytes) -> list[tuple[str, Any]]:
    """Return the members of a JSON object or the fields of a form, including repeated names."""
    try:
        if content_type == "application/json":
            # Objects become tuples of pairs, which keeps repeated members. Arrays stay lists.
            members = json.loads(body.decode(), object_pairs_hook=tuple)
            if isinstance(members, tuple):
                return list(members)
        elif content_type == "application/x-www-form-urlencoded":
            return parse_qsl(body.decode("ascii"), keep_blank_values=True)
    except (ValueError, RecursionError):
        pass
    raise TokenRequestRefused(
        "invalid_request", "The body must be a JSON object or a form, with a matching Content-Type."
    )


def _read_basic_credentials(authorization: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Return client id and secret, each form-encoded in the Basic value (RFC 6749 section 2.3.1)."""
    scheme, _, value = authorization.partition(" ")
    try:
        client_id, separator, client_secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        separator = ""
    if scheme.lower() != "basic" or not separator:
        raise TokenRequestRefused("invalid_client", "The Authorization header has no Basic credentials.", 401)
    credentials = {"client_id": unquote_plus(client_id), "client_secret": unquote_plus(client_secret)}
    if "client_secret" in parameters or parameters.get("client_id", client_id) != client_id:
        # Section 2.3: a client uses one method per request.
        raise TokenRequestRefused(
            "invalid_request", "Send the credentials in the header or in the body, not both."
        )
    return credentials


def grant_scope(parameters: Mapping[str, str], clients: Mapping[str, Any], audience: str) -> str:
    """Return the scope to grant for the API `audience`. Raises TokenRequestRefused."""
    if "grant_type" not in parameters:
        raise TokenRequestRefused("invalid_request", "The parameter grant_type is missing.")
    if parameters["grant_type"] != "client_credentials":
        raise TokenRequestRefused("unsupported_grant_type", "The only grant_type here is client_credentials.")
    client = clients.get(parameters.get("client_id", ""), {"client_secret": "", "scope": ""})
    secret = parameters.get("client_secret", "")
    if not secret or not hmac.compare_digest(secret.encode(), client["client_secret"].encode()):
        raise TokenRequestRefused("invalid_client", "No client has this client_id and client_secret.", 401)
    _require_audience(parameters.get("audience"), audience)
    granted = client["scope"].split()
    requested = parameters.get("scope", client["scope"]).split()
    unknown = [scope for scope in requested if scope not in granted]
    if unknown:
        raise TokenRequestRefused("invalid_scope", f"This client is not granted: {' '.join(unknown)}")
    return " ".join(scope for scope in granted if scope in requested)


def _require_audience(requested: str | None, audience: str) -> None:
    """Refuse as Auth0 does. RFC 8707 section 2 has `invalid_target` for this."""
    if requested != audience:
        problem = f"Service not found: {requested}" if requested else "No audience parameter was provided"
        raise TokenRequestRefused("access_denied", f"{problem}. The only one here is {audience}", 403)


def mint_access_token(
    *, client_id: str, scope: str, audience: str, issuer: str, issued_at: int, key: SigningKey
) -> str:
    """Return a token of Auth0's default profile. `issued_at` is in seconds since 1970."""
    claims = {
        "iss": issuer,
        "sub": f"{client_id}@clients",
        "aud": audience,
        "iat": issued_at,
        "exp": issued_at + LIFETIME_SECONDS,
        "gty": "client-credentials",
        "azp": client_id,
        "scope": scope,
    }
    return jwt.encode(claims, key.private_key, algorithm="RS256", headers={"typ": "JWT", "kid": key.kid})
