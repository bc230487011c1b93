"""The development issuer's endpoints, keys and metadata. Only this machine can use them."""

import functools
import ipaddress
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import jwt
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from timesheets_site.devissuer import tokens
from timesheets_site.devissuer.keys import describe_public_key, obtain_signing_key
from timesheets_site.devissuer.tokens import TokenRequestRefused

# Short, so that the API soon notices a key that was deleted and created again.
KEYS_MAX_AGE_SECONDS = 60
TOKEN_LIFETIME_SECONDS = 24 * 3600

View = Callable[[HttpRequest], HttpResponse]


def serve_this_machine(view: View) -> View:
    """Restrict `view` to loopback callers, and turn a refusal into an error response of RFC 6749."""

    @functools.wraps(view)
    def guarded_view(request: HttpRequest) -> HttpResponse:
        try:
            if not ipaddress.ip_address(request.META["REMOTE_ADDR"]).is_loopback:
                description = "The development issuer serves its own machine only. Use a loopback address."
                raise TokenRequestRefused("access_denied", description, 403)
            return view(request)
        except TokenRequestRefused as refused:
            response = _respond({"error": refused.error, "error_description": str(refused)}, refused.status)
            if refused.status == 401:
                response["WWW-Authenticate"] = 'Basic realm="development issuer"'
            return response

    return guarded_view


@csrf_exempt
@serve_this_machine
@require_POST
def issue_token(request: HttpRequest) -> HttpResponse:
    """Respond with an access token (RFC 6749 section 5.1) or an error (section 5.2)."""
    parameters, id_token = _read_parameters(request), {}
    if parameters.get("grant_type") == "authorization_code":
        person, requested = tokens.redeem_code(parameters, settings.DEVISSUER_WEB_CLIENT, time.time())
        client_id, scopes = requested["client_id"], requested.get("scope", "").split()
        scope = " ".join(each for each in settings.DEVISSUER_PEOPLE[person].split() if each in scopes)
        claims = {"sub": f"development|{person}"}
        id_token = {"id_token": _mint(client_id, **claims, name=person, nonce=requested.get("nonce", ""))}
    else:
        scope = tokens.grant_scope(parameters, settings.DEVISSUER_CLIENTS, settings.DEVISSUER_AUDIENCE)
        client_id = parameters["client_id"]
        claims = {"sub": f"{client_id}@clients", "gty": "client-credentials"}
    access_token = _mint(settings.DEVISSUER_AUDIENCE, **claims, azp=client_id, scope=scope)
    answer = {"access_token": access_token, "token_type": "Bearer", "expires_in": TOKEN_LIFETIME_SECONDS}
    return _respond({**answer, "scope": scope, **id_token})


def _mint(audience: str, **claims: str) -> str:
    """A signed token with these claims and its times."""
    key, now = obtain_signing_key(settings.DEVISSUER_KEY_FILE), int(time.time())
    times = {"iat": now, "exp": now + TOKEN_LIFETIME_SECONDS}
    everything = {"iss": settings.DEVISSUER_ISSUER, "aud": audience, **times, **claims}
    return jwt.encode(everything, key, algorithm="RS256", headers={"kid": describe_public_key(key)["kid"]})


@serve_this_machine
@require_http_methods(["GET", "POST"])
def authorize(request: HttpRequest) -> HttpResponse:
    """Ask who signs in, then send the browser back with a code (RFC 6749 section 4.1)."""
    parameters = request.GET.dict()
    tokens.check_request(parameters, settings.DEVISSUER_WEB_CLIENT, settings.DEVISSUER_AUDIENCE)
    context: dict[str, Any] = {"people": settings.DEVISSUER_PEOPLE}
    if (person := request.POST.get("person")) in settings.DEVISSUER_PEOPLE:
        code = tokens.issue_code(parameters, person, time.time())
        answer = {"code": code, "state": parameters.get("state", ""), "iss": settings.DEVISSUER_ISSUER}
        # A redirect after a form would not pass the content policy.
        context["address"] = f"{parameters['redirect_uri']}?{urlencode(answer)}"
    return TemplateResponse(request, "devissuer/authorize.html", context)


def _read_parameters(request: HttpRequest) -> dict[str, Any]:
    """The parameters: JSON, as Auth0 documents, or a form, and the credentials may be in HTTP Basic."""
    try:
        is_json = request.content_type == "application/json"
        sent = dict(json.loads(request.body)) if is_json else request.POST.dict()
    except (ValueError, TypeError):
        raise TokenRequestRefused("invalid_request", "The body must be a JSON object or a form.") from None
    if "Authorization" in request.headers:
        sent["client_id"], sent["client_secret"] = extract_basic_authorization(request.headers)
    return sent


@serve_this_machine
@require_safe
def publish_keys(_request: HttpRequest) -> HttpResponse:
    """Respond with the issuer's JSON Web Key Set (RFC 7517 section 5)."""
    key = obtain_signing_key(settings.DEVISSUER_KEY_FILE)
    headers = {"Cache-Control": f"public, max-age={KEYS_MAX_AGE_SECONDS}"}
    return JsonResponse({"keys": [describe_public_key(key)]}, headers=headers)


@serve_this_machine
@require_safe
def publish_metadata(_request: HttpRequest) -> HttpResponse:
    """Respond with the issuer's metadata (OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2)."""
    issuer = settings.DEVISSUER_ISSUER
    return JsonResponse(
        {
            "issuer": issuer,
            # Not the API's host, so that browsers treat the two as different sites, as in production.
            "authorization_endpoint": f"{issuer.replace('127.0.0.1', 'localhost')}authorize",
            "token_endpoint": f"{issuer}oauth/token",
            "jwks_uri": f"{issuer}.well-known/jwks.json",
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
    )


def _respond(members: dict[str, object], status: int = 200) -> HttpResponse:
    # RFC 6749 sections 5.1 and 5.2: no cache may store a token or an error.
    return JsonResponse(members, status=status, headers={"Cache-Control": "no-store"})
