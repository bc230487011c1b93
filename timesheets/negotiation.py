"""Choose a representation by the quality values of the Accept header (RFC 9110, section 12.5.1)."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
    parameters: Mapping[str, str]
    weight: float

    def matches(self, media_type: str) -> bool:
        group, _, _ = media_type.partition("/")
        return self.media_type in {media_type, f"{group}/*", "*/*"}

    @property
    def specificity(self) -> tuple[bool, bool, bool]:
        """No representation here has parameters, so a range with parameters describes it less well."""
        return self.media_type != "*/*", not self.media_type.endswith("/*"), not self.parameters


class QualityNegotiation(DefaultContentNegotiation):
    """DRF's negotiation, with its limits on the length of the header, but with quality values."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The renderer, and its media type with the parameters of the Accept header. Raises NotAcceptable."""
        # Most programs leave the header at its default, and the first renderer is the best of equals.
        if request.META.get("HTTP_ACCEPT", "*/*") == "*/*":
            [first, *_] = renderers
            return first, first.media_type
        accepted = self.read_accept(request)
        found = [(_find_range(renderer.media_type, accepted), renderer) for renderer in renderers]
        # Among equal ranks, max() chooses the first renderer.
        media_range, renderer = max(found, key=lambda pair: _rank(pair[0]))
        if media_range is None:
            raise NotAcceptable
        parameters = [f"{name}={value}" for name, value in media_range.parameters.items()]
        return renderer, ";".join([renderer.media_type, *parameters])

    def read_accept(self, request: Any) -> list[MediaRange]:
        return [_parse_range(text) for text in self.get_accept_list(request)]


def prefers_html(request: HttpRequest) -> bool:
    """True if the caller prefers HTML to JSON."""
    accepted = QualityNegotiation().read_accept(request)
    html, *json = (
        _rank(_find_range(media_type, accepted))
        for media_type in ("text/html", "application/json", "application/problem+json")
    )
    return html > max(json)


@functools.lru_cache(maxsize=64)
def _parse_range(text: str) -> MediaRange:
    media_type, parameters = parse_header_parameters(text)
    try:
        weight = float(parameters.pop("q", 1))
    except ValueError:
        weight = 1
    # NaN fails both comparisons.
    return MediaRange(media_type=media_type, parameters=parameters, weight=weight if 0 <= weight <= 1 else 1)


def _find_range(media_type: str, accepted: Sequence[MediaRange]) -> MediaRange | None:
    """The most specific range that matches the media type; None if the media type is not acceptable."""
    matching = [media_range for media_range in accepted if media_range.matches(media_type)]
    found = max(matching, key=lambda media_range: media_range.specificity, default=None)
    return found if found and found.weight else None


def _rank(media_range: MediaRange | None) -> tuple[float, tuple[bool, ...]]:
    """Sorts by weight, then by specificity. What is not acceptable comes last."""
    return (media_range.weight, media_range.specificity) if media_range else (0, ())
