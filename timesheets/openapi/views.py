"""Serve the description, to everybody, and the page that shows it."""

import functools
import json
import threading

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from timesheets import conf
from timesheets.openapi.generator import DescriptionGenerator

# It changes with the code only, but whoever waits for a release shall not wait for long.
MAX_AGE_SECONDS = 300

_generation = threading.Lock()


@csrf_exempt
@require_safe
def serve_description(_request: HttpRequest) -> HttpResponse:
    """The description in JSON, the same for everybody."""
    # drf-spectacular changes the routed views for as long as it looks at them.
    with _generation:
        body = write_description()
    headers = {"Cache-Control": f"public, max-age={MAX_AGE_SECONDS}"}
    return HttpResponse(body, content_type="application/json", headers=headers)


@functools.cache
def write_description() -> bytes:
    generator = DescriptionGenerator()  # type: ignore[no-untyped-call]
    return json.dumps(generator.get_schema(public=True)).encode()


@csrf_exempt
@require_safe
def show_docs(request: HttpRequest) -> HttpResponse:
    """Swagger UI, which asks for the description, and sends what a person tries out with it."""
    return TemplateResponse(request, "timesheets/docs.html", {"audience": conf.token_policy().audience})
