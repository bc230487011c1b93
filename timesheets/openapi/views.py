"""Serve the description, to everybody, and the page that shows it."""

import functools
import json
from pathlib import Path
from typing import Any

import yaml
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from timesheets import conf

# It changes only with the code, but a caller that waits for a release does not wait for long.
MAX_AGE_SECONDS = 300


@csrf_exempt
@require_safe
def serve_description(_request: HttpRequest) -> HttpResponse:
    """The description in JSON, the same for everybody."""
    headers = {"Cache-Control": f"public, max-age={MAX_AGE_SECONDS}"}
    return HttpResponse(_write_description(), content_type="application/json", headers=headers)


@functools.cache
def _write_description() -> bytes:
    return json.dumps(read_description()).encode()


def read_description() -> dict[str, Any]:
    """openapi.yaml, and what the settings add to it."""
    description: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("openapi.yaml").read_text("utf-8"))
    description["servers"] = [{"url": conf.public_url("")}]
    sign_in = conf.development_sign_in()
    if sign_in.client_secrets:
        _add_development_issuer(description, sign_in)
    return description


def _add_development_issuer(description: dict[str, Any], sign_in: conf.DevelopmentSignIn) -> None:
    """Let the page get tokens from the development issuer, whose secrets guard nothing."""
    scopes: dict[str, str] = {}
    for operation in (each for methods in description["paths"].values() for each in methods.values()):
        if operation["security"]:
            required = operation["security"][0]["bearer"]
            operation["security"].append({"development": required})
            scopes = dict.fromkeys(required, operation["summary"]) | scopes
    clients = "; ".join(f"`{name}`, `{secret}`" for name, secret in sign_in.client_secrets.items())
    description["components"]["securitySchemes"]["development"] = {
        "type": "oauth2",
        "description": f"The development issuer. Its clients, with their secrets: {clients}",
        "flows": {"clientCredentials": {"tokenUrl": sign_in.token_url, "scopes": scopes}},
    }


@csrf_exempt
@require_safe
def show_docs(request: HttpRequest) -> HttpResponse:
    """Swagger UI, which asks for the description, and sends what a person tries out with it."""
    return TemplateResponse(request, "timesheets/docs.html", {"audience": conf.token_policy().audience})
