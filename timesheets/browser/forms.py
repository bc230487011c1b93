"""Read the form that a browser sends, before any other code waits for its body."""

from collections.abc import Callable
from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest, HttpResponse

from timesheets.exceptions import Problem, TooLarge
from timesheets.middleware import respond_with_problem
from timesheets.uploads.body import read_length
from timesheets.uploads.concurrency import receive

MAX_FORM_BYTES = 16 * 1024


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
        # Django, too, reads a length that is not a number as 0. All callers without a token share one limit.
        try:
            if (read_length(request) or 0) > MAX_FORM_BYTES:
                raise TooLarge(f"A form may hold {MAX_FORM_BYTES} bytes.")
            receive(lambda: request.body, "strangers")
        except Problem as problem:
            return respond_with_problem(problem)
        return None


class FileRefusingUploadHandler(FileUploadHandler):
    """Stop a multipart body at its first file, because no form has one."""

    def new_file(self, *_: Any, **__: Any) -> None:
        raise StopUpload(connection_reset=True)
