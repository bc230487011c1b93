"""The development issuer's token endpoint, keys and metadata. Only this machine can use them."""

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

from timesheets_site.devissuer.keys import KeyFileUnusable, obtain_signing_key
from timesheets_site.devissuer.tokens import (
    LIFETIME_SECONDS,
    TokenRequestRefused,
    grant_scope,
    mint_access_token,
    read_token_request,
)

MAX_BODY_BYTES = 16 * 1024
# Short, so that the API soon notices a key that was deleted and created again.
KEYS_MAX_AGE_SECONDS = 60

logger = logging.getLogger(__name__)

View = Callable[[HttpRequest], HttpResponse]


def serve_this_machine(view: View) -> View:
    """Restrict `view` to loopback callers, and turn its exceptions into error responses of RFC 6749."""

    @functools.wraps(view)
    def guarded_view(request: HttpRequest) -> HttpResponse:
        try:
            _require_loopback(request.META.get("REMOTE_ADDR", ""))
            return view(request)
        except TokenRequestRefused as refused:
            return _respond_with_error(refused.status, refused.error, str(refused))
        except KeyFileUnusable as error:
            # The log may name the file. The response must not.
            logger.error("%s", error)
            return _respond_with_error(500, "server_error", "The key file is unusable. See the server's log.")

    return guarded_view


@csrf_exempt
@serve_this_machine
@require_POST
def issue_token(request: HttpRequest) -> HttpResponse:
    """Respond with an access token (RFC 6749 section 5.1) or an error (section 5.2)."""
    _require_issuers_port(request.META["SERVER_PORT"])
    body = request.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise TokenRequestRefused("invalid_request", f"The body is over {MAX_BODY_BYTES} bytes.")
    parameters = read_token_request(
        content_type=request.content_type or "",
        authorization=request.headers.get("Authorization", ""),
        body=body,
    )
    scope = grant_scope(parameters, settings.DEVISSUER_CLIENTS, settings.DEVISSUER_AUDIENCE)
    token = mint_access_token(
        client_id=parameters["client_id"],
        scope=scope,
        audience=settings.DEVISSUER_AUDIENCE,
        issuer=settings.DEVISSUER_ISSUER,
        issued_at=int(time.time()),
        key=obtain_signing_key(settings.DEVISSUER_KEY_FILE),
    )
    return _respond(
        {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME_SECONDS, "scope": scope}
    )


@serve_this_machine
@require_safe
def publish_keys(_request: HttpRequest) -> HttpResponse:
    """Respond with the issuer's JSON Web Key Set (RFC 7517 section 5)."""
    key = obtain_signing_key(settings.DEVISSUER_KEY_FILE)
    headers = {"Cache-Control": f"public, max-age={KEYS_MAX_AGE_SECONDS}"}
    return JsonResponse({"keys": [key.public_jwk]}, headers=headers)


@serve_this_machine
@require_safe
def publish_metadata(_request: HttpRequest) -> HttpResponse:
    """Respond with the issuer's metadata (OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2)."""
    issuer = settings.DEVISSUER_ISSUER
    scopes = {scope for client in settings.DEVISSUER_CLIENTS.values() for scope in client["scope"].split()}
    return JsonResponse(
        {
            "issuer": issuer,
            "token_endpoint": f"{issuer}oauth/token",
            "jwks_uri": f"{issuer}.well-known/jwks.json",
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": sorted(scopes),
            # OpenID Connect requires these, although nobody signs in here.
            "response_types_supported": [],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
    )


def _require_loopback(address: str) -> None:
    try:
        ip = ipaddress.ip_address(address)
        # Python 3.11 does not recognize an IPv4 loopback address that is written as IPv6.
        is_loopback = (getattr(ip, "ipv4_mapped", None) or ip).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        description = "The development issuer serves its own machine only. Use a loopback address."
        raise TokenRequestRefused("access_denied", description, 403)


def _require_issuers_port(port: str) -> None:
    """Refuse to issue tokens on a port other than the issuer's, because the API could not verify them."""
    if port != str(urlsplit(settings.DEVISSUER_ISSUER).port):
        raise TokenRequestRefused(
            "invalid_request",
            f"This server listens on port {port}, but its issuer is {settings.DEVISSUER_ISSUER}, so the "
            "API cannot fetch its keys. "
            f"Start it with: TIMESHEETS_DEV_PORT={port} python manage.py runserver {port}",
        )


def _respond_with_error(status: int, error: str, description: str) -> HttpResponse:
    response = _respond({"error": error, "error_description": description}, status)
    if error == "invalid_client":
        response["WWW-Authenticate"] = 'Basic realm="development issuer", charset="UTF-8"'
    return response


def _respond(members: dict[str, object], status: int = 200) -> HttpResponse:
    # RFC 6749 sections 5.1 and 5.2: no cache may store a token or an error.
    return JsonResponse(members, status=status, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})
