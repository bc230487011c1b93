"""The outermost ring of every request: its id, and errors that Django itself answers."""

import re
import secrets
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.utils.encoders import JSONEncoder

from timesheets.exceptions import PROBLEM_MEDIA_TYPE, describe_problem
from timesheets.logs import current_request_id

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class ProblemMiddleware:
    """Give each answer its `X-Request-ID`, and each error page of Django's a body of RFC 9457."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = _choose_request_id(request)
        current_request_id.set(request_id)
        response = self.get_response(request)
        if _is_error_page(response) and not _wants_debug_page(request):
            _write_problem(response)
        response.headers["X-Request-ID"] = request_id
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _choose_request_id(request: HttpRequest) -> str:
    given = request.headers.get("X-Request-ID", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


def _is_error_page(response: HttpResponse) -> bool:
    """True for what Django writes itself: HTML, or plain text where DRF has asked for that."""
    is_error = response.status_code >= HTTPStatus.BAD_REQUEST
    return is_error and response.headers.get("Content-Type", "").startswith(("text/html", "text/plain"))


def _wants_debug_page(request: HttpRequest) -> bool:
    return settings.DEBUG and "text/html" in request.headers.get("Accept", "")


def _write_problem(response: HttpResponse) -> None:
    status = HTTPStatus(response.status_code)
    problem = describe_problem(status, f"{status.description or status.phrase}.", status.name.lower(), {})
    response.content = JSONEncoder().encode(problem)
    response.headers["Content-Type"] = PROBLEM_MEDIA_TYPE
    response.headers["Content-Length"] = str(len(response.content))
