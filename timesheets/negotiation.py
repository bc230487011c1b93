"""Choose a representation by the quality values of the Accept header (RFC 9110, section 12.5.1)."""

import functools
from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from django.http import HttpRequest
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

_UNACCEPTABLE = (0.0, 0, False)


class QualityNegotiation(DefaultContentNegotiation):
    """DRF's negotiation, with its limits on the length of the header, but with quality values."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The renderer and its media type. Raises NotAcceptable."""
        # Most programs leave the header at its default, and the first renderer is the best of equals.
        if request.META.get("HTTP_ACCEPT", "*/*") == "*/*":
            [renderer, *_] = renderers
            return renderer, renderer.media_type
        ranked = [(self.rank(renderer.media_type, request), renderer) for renderer in renderers]
        # Among equal ranks, max() chooses the first renderer.
        (weight, *_), renderer = max(ranked, key=itemgetter(0))
        if not weight:
            raise NotAcceptable
        return renderer, renderer.media_type

    def rank(self, media_type: str, request: Any) -> tuple[float, int, bool]:
        """The weight of the most specific range that matches the media type, then how specific this is.

        No representation here has parameters, so a range with parameters describes it less well.
        """
        names = ["*/*", f"{media_type.partition('/')[0]}/*", media_type]
        ranges = map(_parse_range, self.get_accept_list(request))
        matching = [(weight, names.index(name), plain) for name, plain, weight in ranges if name in names]
        found = max(matching, key=itemgetter(1, 2), default=_UNACCEPTABLE)
        return found if found[0] else _UNACCEPTABLE


def prefers_html(request: HttpRequest) -> bool:
    """True if the caller prefers HTML to JSON."""
    types = ("text/html", "application/json", "application/problem+json")
    html, *json = (QualityNegotiation().rank(media_type, request) for media_type in types)
    return html > max(json)


@functools.lru_cache(maxsize=64)
def _parse_range(text: str) -> tuple[str, bool, float]:
    """The media type of one element of the header, whether it has no parameters, and its weight."""
    media_type, parameters = parse_header_parameters(text)
    try:
        weight = float(parameters.pop("q", 1))
    except ValueError:
        weight = 1
    # NaN fails both comparisons.
    return media_type, not parameters, weight if 0 <= weight <= 1 else 1
