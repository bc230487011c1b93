"""Decide what a client is granted (RFC 6749 section 4.4). Knows no web framework and no key."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from timesheets_site.devissuer.token_requests import (
    ClientUnknown,
    RequestMalformed,
    TokenRequest,
    TokenRequestRefused,
)


class AccessDenied(TokenRequestRefused):
    """`access_denied`: the client is who it says, but there is no API of that name."""

    status = 403

    def __init__(self, description: str) -> None:
        super().__init__("access_denied", description)


@dataclass(frozen=True, kw_only=True)
class Client:
    """A registered client and the scopes it may be given."""

    client_secret: str = field(repr=False)
    scopes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A client may use the API `audience` with these scopes."""

    client_id: str
    audience: str
    scopes: tuple[str, ...]

    @property
    def scope(self) -> str:
        return " ".join(self.scopes)


# In the place of an unknown client. Without a secret it never gets in.
NOBODY = Client(client_secret="", scopes=())


def grant_access(request: TokenRequest, *, clients: Mapping[str, Client], audience: str) -> Grant:
    """What the client that sent `request` may do at the API `audience`. Raises TokenRequestRefused."""
    if not request.grant_type:
        raise RequestMalformed("The parameter grant_type is missing.")
    if request.grant_type != "client_credentials":
        raise TokenRequestRefused("unsupported_grant_type", "The only grant_type here is client_credentials.")
    client = _authenticate_client(request, clients)
    _require_audience(request.audience, audience)
    return Grant(
        client_id=request.client_id,
        audience=audience,
        scopes=_narrow_scopes(request.scope, client.scopes),
    )


def _authenticate_client(request: TokenRequest, clients: Mapping[str, Client]) -> Client:
    client = clients.get(request.client_id, NOBODY)
    # Compared in constant time, for an unknown client too: how long it takes tells nothing.
    matches = hmac.compare_digest(request.client_secret.encode(), client.client_secret.encode())
    if not client.client_secret or not matches:
        raise ClientUnknown("No client has this client_id and client_secret.")
    return client


def _require_audience(requested: str, audience: str) -> None:
    """Refuse what Auth0 refuses, as Auth0 does, so that it is found before there is an Auth0.

    RFC 8707 section 2 would say `invalid_target`. None requested is refused too: for this grant
    Auth0 needs the parameter even where the tenant has a default audience.
    """
    if not requested:
        raise AccessDenied(f"No audience parameter was provided. The only one here is {audience}")
    if requested != audience:
        raise AccessDenied(f"Service not found: {requested}. The only one here is {audience}")


def _narrow_scopes(requested: str, granted: tuple[str, ...]) -> tuple[str, ...]:
    """The requested scopes, all that are granted if none is requested (RFC 6749 section 3.3)."""
    if not requested:
        return granted
    unknown = [scope for scope in requested.split() if scope not in granted]
    if unknown:
        raise TokenRequestRefused("invalid_scope", f"This client is not granted: {' '.join(unknown)}")
    return tuple(scope for scope in granted if scope in requested.split())
