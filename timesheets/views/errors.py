"""The answers where Django finds no view, or a view raises: a status alone, which ProblemMiddleware explains.

Django's own views for this check for CSRF, and so read the body of a caller that nobody knows.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


def respond_with(status: int) -> Callable[..., HttpResponse]:
    """A view for one of Django's `handler400` to `handler500`."""

    def answer(_request: HttpRequest, *_: object, **__: object) -> HttpResponse:
        return HttpResponse(status=status)

    return answer
