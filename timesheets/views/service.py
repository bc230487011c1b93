"""Respond about the service itself: probes, metrics, metadata, description, the page at `/`, bare errors."""

import functools
import json
import re
from collections.abc import Callable
from pathlib import Path

import yaml
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from timesheets import conf, metrics
from timesheets.authentication import authenticate_bearer
from timesheets.browser.pages import describe_visitor
from timesheets.exceptions import METADATA_PATH, NotReady, Problem
from timesheets.middleware import respond_with_problem
from timesheets.readiness import get_readiness
from timesheets.views.overview import OverviewView

METRICS_SCOPE = "read:metrics"
# What proxies add, such as X-Forwarded-For, CF-Connecting-IP and True-Client-IP.
_FORWARDED = re.compile(
    r"HTTP_(VIA|CDN_LOOP|.*FORWARDED.*"
    r"|.*(CLIENT|CONNECTING|EXTERNAL|REAL|REMOTE|SOURCE|USER|VIEWER)_?(IP|ADDR).*)"
)
_DESCRIPTION = Path(__file__).parent.parent / "openapi.yaml"


# No view here reads a body, so none needs protection against forged forms.
@csrf_exempt
@require_safe
def report_liveness(_request: HttpRequest) -> HttpResponse:
    """The process answers requests. Says nothing about the database or the issuer."""
    return JsonResponse({"status": "ok"})


@csrf_exempt
@require_safe
def report_readiness(_request: HttpRequest) -> HttpResponse:
    """Whether the process can store entries now: 200, or 503 with the names of the failing checks."""
    if failing := get_readiness().find_failing_checks():
        return respond_with_problem(NotReady(failing=failing))
    return JsonResponse({"status": "ok"})


@csrf_exempt
def show_metrics(request: HttpRequest) -> HttpResponse:
    """All metrics in Prometheus' text format, for a scraper on this machine or one with a token.

    For others they do not exist.
    """
    is_readable = metrics.is_on() and request.method in {"GET", "HEAD"}
    if not is_readable or not (_comes_from_this_machine(request) or _may_read_metrics(request)):
        raise Http404
    return HttpResponse(metrics.export(), content_type=metrics.CONTENT_TYPE)


def _comes_from_this_machine(request: HttpRequest) -> bool:
    """False for a request that a proxy passed on, even if the proxy is on this machine."""
    address = request.META.get("REMOTE_ADDR", "").removeprefix("::ffff:")
    is_local = address == "::1" or address.startswith("127.")
    return is_local and not any(map(_FORWARDED.fullmatch, request.META))


def _may_read_metrics(request: HttpRequest) -> bool:
    try:
        accepted = authenticate_bearer(request.META.get("HTTP_AUTHORIZATION", ""))
    except Problem:
        # The log has the reason.
        return False
    return accepted is not None and METRICS_SCOPE in accepted[1].scopes


@csrf_exempt
@require_safe
def describe_protected_resource(request: HttpRequest, scopes: frozenset[str], **_: object) -> HttpResponse:
    """Respond with where tokens come from (RFC 9728, section 2), whether or not the resource exists."""
    return JsonResponse(
        {
            "resource": conf.public_url(request.path_info.removeprefix(METADATA_PATH)),
            "authorization_servers": [conf.issuer().url],
            "scopes_supported": sorted(scopes),
            "bearer_methods_supported": ["header"],
            # Of the days in which hours are counted.
            "time_zone": conf.time_zone().key,
        },
        headers={"Cache-Control": "public, max-age=3600"},
    )


@csrf_exempt
@require_safe
def show_landing(request: HttpRequest) -> HttpResponse:
    """The page at `/`: what the API is, and where to go next; an overview for who may read."""
    visitor = describe_visitor(request)
    if visitor["signed_in"] and visitor["may_read"]:
        return OverviewView.as_view()(request)
    context = {
        **visitor,
        "metadata_path": f"{METADATA_PATH}/timesheets/upload",
        "has_web_client": conf.web_client() is not None,
        "is_development": settings.DEBUG,
    }
    return TemplateResponse(request, "timesheets/landing.html", context)


@csrf_exempt
@require_safe
def serve_description(_request: HttpRequest) -> HttpResponse:
    # Short, so that a new release shows soon.
    headers = {"Cache-Control": "public, max-age=300"}
    return HttpResponse(read_description(), content_type="application/json", headers=headers)


@functools.cache
def read_description() -> str:
    """Return openapi.yaml as JSON, with the server from the settings."""
    description = yaml.safe_load(_DESCRIPTION.read_text("utf-8"))
    return json.dumps({**description, "servers": [{"url": conf.public_url("")}]})


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


def respond_with(status: int) -> Callable[..., HttpResponse]:
    """A view for one of Django's `handler400` to `handler500`. ProblemMiddleware adds the body.

    Django's own error views check for CSRF, and therefore read the bodies of unknown callers.
    """
    return lambda _request, *_, **__: HttpResponse(status=status)
