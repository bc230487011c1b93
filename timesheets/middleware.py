"""Give every response a request id and the constant headers, and every error a problem document or a page."""

import json
import logging
import random
import re
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import SimpleTemplateResponse
from django.utils.cache import patch_vary_headers
from rest_framework.utils.encoders import JSONEncoder

from timesheets import conf, metrics
from timesheets.access_log import record_access
from timesheets.exceptions import (
    PROBLEM_MEDIA_TYPE,
    DatabaseUnavailable,
    Problem,
    describe_problem,
)
from timesheets.logs import current_request_id
from timesheets.negotiation import prefers_html
from timesheets.storage.availability import explain_failure, is_database_failure

logger = logging.getLogger(__name__)

# SECURE_REDIRECT_EXEMPT has them too.
PROBE_PATHS = frozenset({"/healthz", "/readyz"})

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)

# Restricts pages to what this site serves: no other host, nothing inline.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# Browser features that no page of this site uses.
PERMISSIONS_POLICY = (
    "camera=(), display-capture=(), geolocation=(), microphone=(), midi=(), payment=(), "
    "publickey-credentials-get=(), usb=()"
)
# Each by its key in Django's mapping, as that stores it.
_CONSTANT_HEADERS = {
    "x-content-type-options": ("X-Content-Type-Options", "nosniff"),
    "referrer-policy": ("Referrer-Policy", "same-origin"),
    "cross-origin-opener-policy": ("Cross-Origin-Opener-Policy", "same-origin"),
    "cache-control": ("Cache-Control", "no-store"),
    "permissions-policy": ("Permissions-Policy", PERMISSIONS_POLICY),
    # For browsers that do not know frame-ancestors.
    "x-frame-options": ("X-Frame-Options", "DENY"),
    "content-security-policy": ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
}


# Where Python's own words say nothing to people.
_DETAILS = {
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "This is a fault of the API. Try again in a few minutes.",
}


class ProblemMiddleware:
    """Adds the headers that every response has, and logs it. Turns errors into problems (RFC 9457) or pages.

    Programs get the headers for pages too, since browsers open their responses as well. Not even developers
    get Django's debug pages, which may show secrets: the log has the traceback.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with metrics.track_request():
            return self._respond(request)

    def _respond(self, request: HttpRequest) -> HttpResponse:
        start = time.perf_counter()
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else f"{random.getrandbits(128):032x}"
        current_request_id.set(request_id)
        response = self.get_response(request)
        if _is_error_page(response):
            status = HTTPStatus(response.status_code)
            detail = _DETAILS.get(status, f"{status.description or status.phrase}.")
            _write_problem(response, detail, status.name.lower(), {})
        if response.headers.get("Content-Type") == PROBLEM_MEDIA_TYPE:
            patch_vary_headers(response, ["Accept"])
            if prefers_html(request):
                _write_page(response)
        # Without Django's checks of each name and value, which would take a twentieth of an upload's time.
        headers = response.headers._store  # noqa: SLF001
        headers["x-request-id"] = ("X-Request-ID", request_id)
        for key, header in _CONSTANT_HEADERS.items():
            headers.setdefault(key, header)
        if not response.streaming:
            headers.setdefault("content-length", ("Content-Length", str(len(response.content))))
        # Django's handler calls this. Its own looks up each header by its name.
        response.items = headers.values  # type: ignore[method-assign]
        record_access(request, response, time.perf_counter() - start)
        return response

    def process_exception(self, _request: HttpRequest, exc: Exception) -> HttpResponse | None:
        """The response of a page whose database is busy or lost. DRF handles this for its own views."""
        if not is_database_failure(exc):
            return None
        logger.error("The database failed: %s", explain_failure(exc))
        return respond_with_problem(DatabaseUnavailable())


class HostMiddleware:
    """Refuses requests for foreign hosts, except probes: a load balancer calls an address, not a name."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._accepted_host: str | None = None

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Check the host, or raise DisallowedHost, which Django answers with 400."""
        host = request.META.get("HTTP_HOST")
        if (host is None or host != self._accepted_host) and request.path_info not in PROBE_PATHS:
            request.get_host()
            self._accepted_host = host
        return self.get_response(request)


def _is_error_page(response: HttpResponse) -> bool:
    """True for an error that Django itself wrote as HTML or plain text; our own pages come from templates."""
    if response.status_code < HTTPStatus.BAD_REQUEST or isinstance(response, SimpleTemplateResponse):
        return False
    return response.headers.get("Content-Type", "").startswith(("text/html", "text/plain"))


def respond_with_problem(problem: Problem) -> HttpResponse:
    headers = {"Retry-After": str(problem.wait)} if problem.wait else {}
    response = HttpResponse(status=problem.status_code, headers=headers)
    _write_problem(response, str(problem.detail), problem.default_code, problem.members)
    return response


def _write_problem(response: HttpResponse, detail: str, code: str, members: Mapping[str, Any]) -> None:
    problem = describe_problem(response.status_code, detail, code, members)
    # As in DRF's responses.
    response.data = problem  # type: ignore[attr-defined]
    _replace_body(response, JSONEncoder().encode(problem), PROBLEM_MEDIA_TYPE)


def _write_page(response: HttpResponse) -> None:
    """Show a problem as a page. It ignores the session, which may be what failed."""
    problem = json.loads(response.content)
    context = {
        "problem": problem,
        "lets_sign_in": conf.lets_browsers_sign_in(),
        "may_upload": True,
        "may_read": True,
    }
    page = render_to_string("timesheets/problem.html", context)
    _replace_body(response, page, "text/html; charset=utf-8")


def _replace_body(response: HttpResponse, body: str, content_type: str) -> None:
    response.content = body
    response.headers["Content-Type"] = content_type
    response.headers["Content-Length"] = str(len(response.content))
