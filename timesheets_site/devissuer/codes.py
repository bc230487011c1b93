"""Issue codes for the web client, and redeem each of them once (RFC 6749 section 4.1)."""

import secrets
from collections.abc import Mapping
from typing import Any

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from timesheets_site.devissuer.tokens import TokenRequestRefused, require_client

LIFETIME_SECONDS = 60

# When each code expires, who signed in, and what the web client requested.
_grants: dict[str, tuple[float, str, Mapping[str, str]]] = {}


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
    _grants[code] = now + LIFETIME_SECONDS, person, parameters
    return code


def redeem_code(
    sent: Mapping[str, Any], client: Mapping[str, Any], now: float
) -> tuple[str, Mapping[str, str]]:
    """Return who signed in, and what was requested. A code is used up even if something else is wrong."""
    require_client(sent, {client["client_id"]: client})
    expires_at, person, requested = _grants.pop(str(sent.get("code")), (now, "", {}))
    fits = {
        "code_challenge": create_s256_code_challenge(str(sent.get("code_verifier"))),
        "redirect_uri": sent.get("redirect_uri"),
    }.items() <= requested.items()
    if not fits or expires_at <= now:
        raise TokenRequestRefused("invalid_grant", "The code, or what was sent with it, is not valid.")
    return person, requested
