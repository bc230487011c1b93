"""Serve the OpenAPI description, and the page that shows it. Neither needs a token."""

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
from timesheets.browser.pages import describe_visitor

# Short, so that a new release shows soon.
MAX_AGE_SECONDS = 300


@csrf_exempt
@require_safe
def serve_description(_request: HttpRequest) -> HttpResponse:
    headers = {"Cache-Control": f"public, max-age={MAX_AGE_SECONDS}"}
    return HttpResponse(_encode_description(), content_type="application/json", headers=headers)


@functools.cache
def _encode_description() -> bytes:
    return json.dumps(read_description()).encode()


def read_description() -> dict[str, Any]:
    """Return openapi.yaml with the server from the settings."""
    description: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("openapi.yaml").read_text("utf-8"))
    description["servers"] = [{"url": conf.public_url("")}]
    return description


@csrf_exempt
@require_safe
def show_docs(request: HttpRequest) -> HttpResponse:
    """Show the description in Swagger UI, where people can try out requests."""
    context = {
        **describe_visitor(request),
        "path": request.path,
        "issuer": conf.issuer().url,
        "audience": conf.token_policy().audience,
        "address": conf.public_url(""),
    }
    return TemplateResponse(request, "timesheets/docs.html", context)
