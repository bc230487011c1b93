"""The Accept header chooses the representation by its quality values (RFC 9110, section 12.5.1)."""

from typing import Any

import pytest
from django.test import RequestFactory
from rest_framework.exceptions import NotAcceptable
from rest_framework.renderers import JSONRenderer

from tests.api.reading import Read
from timesheets.browser.pages import PageRenderer
from timesheets.negotiation import QualityNegotiation, prefers_html
from timesheets.renderers import CSVRenderer

RENDERERS = [JSONRenderer(), PageRenderer(), CSVRenderer()]
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def choose(accept: str) -> str | None:
    """The chosen media type among JSON, HTML and CSV; None if none is acceptable."""
    request: Any = RequestFactory().get("/", headers={"Accept": accept})
    try:
        renderer, _ = QualityNegotiation().select_renderer(request, RENDERERS)
    except NotAcceptable:
        return None
    return renderer.media_type


JSON, CSV, HTML = "application/json", "text/csv", "text/html"
# The media type, and the headers that choose it. An invalid weight takes its range out.
CHOSEN: dict[str | None, list[str]] = {
    JSON: [
        *(f"{CSV};q=0.1, {JSON}", f"{HTML};q=0.5, {JSON};q=0.50", "*/*", "text/*;q=0.3, */*;q=0.5"),
        *(f"{CSV}, {JSON};q={weight}" for weight in ("", "many", "nan", "7", "-1")),
    ],
    CSV: [f"{JSON};q=0.1, {CSV}", "TEXT/CSV", f"{CSV}, */*", f"{CSV};charset=utf-8"],
    HTML: [
        *(f"{HTML};q=0.501, {JSON};q=0.5", f"{HTML};Q=0.2, {JSON};q=0.1", f"{HTML} ; q=0.2 , {JSON} ; q=0.1"),
        *(FIREFOX, f"{HTML}, image/gif, *; q=.2, */*; q=.2", f"text/*, {CSV};q=0.2", f"{JSON};q=0, */*"),
        *(f"{CSV};q=0.7, {CSV};header=absent, {HTML};q=0.8", f"{CSV};q=0.000, text/*;q=0.1"),
    ],
    None: [f"{JSON};q=0", "*/*;q=0", "image/png", "*/csv"],
}


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [(accept, media_type) for media_type, headers in CHOSEN.items() for accept in headers],
)
def test_the_highest_quality_value_wins(accept: str, media_type: str | None) -> None:
    assert choose(accept) == media_type


PAGES = [FIREFOX, HTML, "text/*", f"{HTML}, {JSON};q=0.9"]
PROBLEMS = [f"{HTML}, {JSON}", f"{HTML};q=0.9, {JSON}", f"{HTML};q=0.9, application/problem+json"]


@pytest.mark.parametrize("accept", [*PAGES, *PROBLEMS, f"{HTML};q=0", "image/png", "*/*", ""])
def test_an_error_is_a_page_if_html_is_preferred(accept: str) -> None:
    assert prefers_html(RequestFactory().get("/", headers={"Accept": accept})) is (accept in PAGES)


@pytest.mark.parametrize(
    "path", ["/timesheets", "/timesheets/1", "/uploads/1/rejections", "/assignments", "/missing", "/runs"]
)
def test_options_can_be_asked_for_as_csv(read: Read, path: str) -> None:
    response = read(path, method="OPTIONS", Accept="text/csv")

    assert (response.status_code, response.content) == (200, b"")
