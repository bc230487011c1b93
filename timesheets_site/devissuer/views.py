"""The development issuer's addresses: parse, ask, respond; to callers on this machine only."""

import functools
import ipaddress
import logging
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from timesheets_site.devissuer.grants import AccessDenied, Client, grant_access
from timesheets_site.devissuer.keys import KeyFileUnusable, obtain_signing_key
from timesheets_site.devissuer.minting import LIFETIME_SECONDS, mint_access_token
from timesheets_site.devissuer.token_requests import (
    ClientUnknown,
    RequestMalformed,
    TokenRequest,
    TokenRequestRefused,
    read_token_request,
)

MAX_BODY_BYTES = 16 * 1024
# Short, so that a key that was deleted and made anew is soon known to the API.
KEYS_MAX_AGE_SECONDS = 60

# RFC 6749 section 5.1: what holds a token, or says why there is none, stays in no cache.
NEVER_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}

logger = logging.getLogger(__name__)

View = Callable[[HttpRequest], HttpResponse]


def serve_this_machine(view: View) -> View:
    """`view` for callers at a loopback address, and with what it raises as an error of RFC 6749."""

    @functools.wraps(view)
    def guarded_view(request: HttpRequest) -> HttpResponse:
        try:
            _require_loopback(request)
            return view(request)
        except TokenRequestRefused as refused:
            return _respond_with_refusal(refused)
        except KeyFileUnusable as error:
            # The log may name the file; a body never does.
            logger.error("%s", error)
            return _respond_with_error(500, "server_error", "The key file is unusable: see the server's log.")

    return guarded_view


@csrf_exempt
@serve_this_machine
@require_POST
def issue_token(request: HttpRequest) -> HttpResponse:
    """An access token (RFC 6749 section 5.1), or the error that says why there is none (section 5.2)."""
    _require_issuers_port(request)
    grant = grant_access(
        _read_token_request(request),
        clients=_registered_clients(),
        audience=settings.DEVISSUER_AUDIENCE,
    )
    access_token = mint_access_token(
        grant,
        issuer=settings.DEVISSUER_ISSUER,
        issued_at=int(time.time()),
        key=obtain_signing_key(settings.DEVISSUER_KEY_FILE),
    )
    answer = {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": LIFETIME_SECONDS,
        "scope": grant.scope,
    }
    return JsonResponse(answer, headers=NEVER_STORED)


@serve_this_machine
@require_safe
def publish_keys(_request: HttpRequest) -> HttpResponse:
    """The issuer's JSON Web Key Set (RFC 7517 section 5)."""
    key = obtain_signing_key(settings.DEVISSUER_KEY_FILE)
    headers = {"Cache-Control": f"public, max-age={KEYS_MAX_AGE_SECONDS}"}
    return JsonResponse({"keys": [key.public_jwk]}, headers=headers)


@serve_this_machine
@require_safe
def publish_configuration(_request: HttpRequest) -> HttpResponse:
    """The issuer's metadata (OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2)."""
    issuer = settings.DEVISSUER_ISSUER
    scopes = {scope for client in _registered_clients().values() for scope in client.scopes}
    configuration = {
        "issuer": issuer,
        "token_endpoint": f"{issuer}oauth/token",
        "jwks_uri": f"{issuer}.well-known/jwks.json",
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": sorted(scopes),
        # OpenID Connect requires these, though nobody signs in here.
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }
    return JsonResponse(configuration)


def _require_loopback(request: HttpRequest) -> None:
    if not _is_loopback(request.META.get("REMOTE_ADDR", "")):
        raise AccessDenied("The development issuer serves its own machine only, at a loopback address.")


def _is_loopback(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    # Python 3.11 does not see through an IPv4 address that is written as an IPv6 one.
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback


def _require_issuers_port(request: HttpRequest) -> None:
    """Refuse tokens on a port where the API could not fetch the keys to verify them."""
    port = request.META["SERVER_PORT"]
    if port != str(urlsplit(settings.DEVISSUER_ISSUER).port):
        raise RequestMalformed(
            f"This server listens on port {port}, but its issuer is {settings.DEVISSUER_ISSUER}, so the "
            "API could not fetch the keys of its tokens. "
            f"Start it with: TIMESHEETS_DEV_PORT={port} python manage.py runserver {port}"
        )


def _read_token_request(request: HttpRequest) -> TokenRequest:
    body = request.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise RequestMalformed(f"The body is over {MAX_BODY_BYTES} bytes.")
    return read_token_request(
        content_type=request.content_type or "",
        authorization=request.headers.get("Authorization", ""),
        body=body,
    )


def _registered_clients() -> dict[str, Client]:
    return {
        client_id: Client(client_secret=client["client_secret"], scopes=tuple(client["scope"].split()))
        for client_id, client in settings.DEVISSUER_CLIENTS.items()
    }


def _respond_with_refusal(refused: TokenRequestRefused) -> HttpResponse:
    response = _respond_with_error(refused.status, refused.error, refused.description)
    if isinstance(refused, ClientUnknown):
        response["WWW-Authenticate"] = 'Basic realm="development issuer", charset="UTF-8"'
    return response


def _respond_with_error(status: int, error: str, description: str) -> HttpResponse:
    answer = {"error": error, "error_description": description}
    return JsonResponse(answer, status=status, headers=NEVER_STORED)
