"""Read the form that a browser sends, before anything else waits for its body."""

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
    """Take the body of a form before Django's protection against CSRF does, which would read any length.

    What is exempt from that protection looks after its body itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, *_: Any) -> HttpResponse | None:
        if request.method != "POST" or getattr(view, "csrf_exempt", False):
            return None
        try:
            read_form(request)
        except Problem as problem:
            return respond_with_problem(problem)
        return None


def read_form(request: HttpRequest) -> None:
    """Take the body of a form, so that nothing after this waits for it. All strangers count as one caller.

    Raises TooLarge, Throttled or IncompleteBody.
    """
    announced = request.META.get("CONTENT_LENGTH", "")
    # Django takes what is not a number for 0.
    if _LENGTH.fullmatch(announced) and int(announced) > MAX_FORM_BYTES:
        raise TooLarge(f"A form may hold {MAX_FORM_BYTES} bytes.")
    try:
        with limit_bodies_of("strangers"):
            _ = request.body
    except OSError:
        raise IncompleteBody from None


class FileRefusal(FileUploadHandler):
    """Django's handler for the files of a multipart body: stops at the first one, since no form holds any."""

    def new_file(self, *_: Any, **__: Any) -> None:
        raise StopUpload(connection_reset=True)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Never called, but Django demands it."""

    def file_complete(self, file_size: int) -> None:
        """Never called, but Django demands it."""
