"""Choose a representation by the quality values of the Accept header (RFC 9110, section 12.5.1)."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from django.http import HttpRequest
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


@dataclass(frozen=True, kw_only=True)
class MediaRange:
    """One element of an Accept header, such as `text/*;q=0.5`."""

    media_type: str
    has_parameters: bool
    weight: float

    def matches(self, media_type: str) -> bool:
        group, _, _ = media_type.partition("/")
        return self.media_type in {media_type, f"{group}/*", "*/*"}

    @property
    def specificity(self) -> tuple[bool, bool, bool]:
        """No representation here has parameters, so a range with parameters describes it less well."""
        return self.media_type != "*/*", not self.media_type.endswith("/*"), not self.has_parameters


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

    def rank(self, media_type: str, request: Any) -> tuple[float, bool, bool, bool]:
        """The weight of the most specific range that matches the media type, then how specific this is."""
        matching = [
            each for each in map(_parse_range, self.get_accept_list(request)) if each.matches(media_type)
        ]
        found = max(matching, key=lambda each: each.specificity, default=None)
        return (found.weight, *found.specificity) if found and found.weight else (0, False, False, False)


def prefers_html(request: HttpRequest) -> bool:
    """True if the caller prefers HTML to JSON."""
    types = ("text/html", "application/json", "application/problem+json")
    html, *json = (QualityNegotiation().rank(media_type, request) for media_type in types)
    return html > max(json)


@functools.lru_cache(maxsize=64)
def _parse_range(text: str) -> MediaRange:
    media_type, parameters = parse_header_parameters(text)
    try:
        weight = float(parameters.pop("q", 1))
    except ValueError:
        weight = 1
    # NaN fails both comparisons.
    weight = weight if 0 <= weight <= 1 else 1
    return MediaRange(media_type=media_type, has_parameters=bool(parameters), weight=weight)
