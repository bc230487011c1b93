"""Respond with a bare status where Django finds no view or a view fails. ProblemMiddleware adds the body.

Django's own error views check for CSRF, and therefore read the bodies of unknown callers.
"""

from collections.abc import Callable

from django.http import HttpResponse


def respond_with(status: int) -> Callable[..., HttpResponse]:
    """A view for one of Django's `handler400` to `handler500`."""
    return lambda _request, *_, **__: HttpResponse(status=status)
