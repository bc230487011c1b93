"""Read the form that a browser sends, before any other code waits for its body."""

import re
from collections.abc import Callable
from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest, HttpResponse

from timesheets.exceptions import IncompleteBody, Problem, TooLarge
from timesheets.middleware import respond_with_problem
from timesheets.uploads.concurrency import limit_bodies_of

MAX_FORM_BYTES = 16 * 1024

_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)


class FormMiddleware:
    """Read a form before Django's CSRF protection does, which would read a body of any length.

    A view that is exempt from CSRF protection reads its body itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, *_: Any) -> HttpResponse | None:
        if request.method != "POST" or getattr(view, "csrf_exempt", False):
            return None
        try:
            _read_form(request)
        except Problem as problem:
            return respond_with_problem(problem)
        return None


def _read_form(request: HttpRequest) -> None:
    """Load the body into memory. All callers without a token share one limit.

    Raises TooLarge, Throttled or IncompleteBody.
    """
    length = request.META.get("CONTENT_LENGTH", "")
    # Django reads a length that is not a number as 0.
    if _LENGTH.fullmatch(length) and int(length) > MAX_FORM_BYTES:
        raise TooLarge(f"A form may hold {MAX_FORM_BYTES} bytes.")
    try:
        with limit_bodies_of("strangers"):
            _ = request.body
    except OSError:
        raise IncompleteBody from None


class FileRefusingUploadHandler(FileUploadHandler):
    """Stop a multipart body at its first file, because no form has one."""

    def new_file(self, *_: Any, **__: Any) -> None:
        raise StopUpload(connection_reset=True)
