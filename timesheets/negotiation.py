"""Choose a representation by the Accept header, with its quality values (RFC 9110 section 12.5.1)."""

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
        """No representation here has parameters, so a range that asks for some describes it less well."""
        return self.media_type != "*/*", not self.media_type.endswith("/*"), not self.parameters


def parse_media_range(text: str) -> MediaRange:
    media_type, parameters = parse_header_parameters(text)
    weight = _parse_weight(parameters.pop("q", ""))
    return MediaRange(media_type=media_type, parameters=parameters, weight=weight)


def _parse_weight(text: str) -> float:
    """The quality value; 1 if it is absent (RFC 9110 section 12.4.2) or cannot be read."""
    try:
        weight = float(text)
    except ValueError:
        return 1
    return weight if 0 <= weight <= 1 else 1


def find_media_range(media_type: str, accepted: Sequence[MediaRange]) -> MediaRange | None:
    """The most specific range that matches the media type; None if it is not acceptable."""
    matching = [media_range for media_range in accepted if media_range.matches(media_type)]
    found = max(matching, key=lambda media_range: media_range.specificity, default=None)
    return found if found and found.weight else None


def rank(media_range: MediaRange | None) -> tuple[float, tuple[bool, ...]]:
    """Ranks what is not acceptable last. Of equal weights the more specific range ranks first."""
    return (media_range.weight, media_range.specificity) if media_range else (0, ())


class QualityNegotiation(DefaultContentNegotiation):
    """DRF's negotiation, which ignores quality values, with its limits on the length of the header."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The renderer, and its media type with the parameters asked for. Raises NotAcceptable."""
        accepted = self.read_accept(request)
        found = [(find_media_range(renderer.media_type, accepted), renderer) for renderer in renderers]
        # Of equal ranks the first renderer is chosen.
        media_range, renderer = max(found, key=lambda pair: rank(pair[0]))
        if media_range is None:
            raise NotAcceptable
        parameters = [f"{name}={value}" for name, value in media_range.parameters.items()]
        return renderer, ";".join([renderer.media_type, *parameters])

    def read_accept(self, request: Any) -> list[MediaRange]:
        return [parse_media_range(text) for text in self.get_accept_list(request)]


def prefers_html(request: HttpRequest) -> bool:
    """Whether the caller would rather read HTML than JSON."""
    accepted = QualityNegotiation().read_accept(request)
    html, *json = (
        rank(find_media_range(media_type, accepted))
        for media_type in ("text/html", "application/json", "application/problem+json")
    )
    return html > max(json)
