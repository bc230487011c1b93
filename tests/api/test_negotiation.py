"""The Accept header chooses the representation by its quality values (RFC 9110, section 12.5.1)."""

from typing import Any

import pytest
from django.test import Client, RequestFactory
from rest_framework.exceptions import NotAcceptable
from rest_framework.renderers import JSONRenderer

from tests.kit.issuer import Issuer
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


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        pytest.param("text/csv;q=0.1, application/json", "application/json", id="lower"),
        pytest.param("application/json;q=0.1, text/csv", "text/csv", id="lower-first"),
        pytest.param("text/html;q=0.5, application/json;q=0.50", "application/json", id="equal"),
        pytest.param("text/html;q=0.501, application/json;q=0.5", "text/html", id="three-digits"),
        pytest.param("text/html;Q=0.2, application/json;q=0.1", "text/html", id="capital-q"),
        pytest.param("text/html ; q=0.2 , application/json ; q=0.1", "text/html", id="blanks"),
        pytest.param("TEXT/CSV", "text/csv", id="capital-type"),
        pytest.param(FIREFOX, "text/html", id="firefox"),
        pytest.param("text/html, image/gif, *; q=.2, */*; q=.2", "text/html", id="java"),
        pytest.param("text/csv, */*", "text/csv", id="named-beats-anything-at-equal-weight"),
        pytest.param("*/*", "application/json", id="anything"),
        pytest.param("text/*;q=0.3, */*;q=0.5", "application/json", id="the-most-specific-range-counts"),
        pytest.param("text/*, text/csv;q=0.2", "text/html", id="the-type-counts-before-its-group"),
        pytest.param("text/csv;q=0.7, text/csv;header=absent, text/html;q=0.8", "text/html", id="parameter"),
        pytest.param("text/csv;charset=utf-8", "text/csv", id="charset"),
        pytest.param("application/json;q=0, */*", "text/html", id="zero-takes-it-out-of-anything"),
        pytest.param("text/csv;q=0.000, text/*;q=0.1", "text/html", id="zero-with-digits"),
        pytest.param("application/json;q=0", None, id="zero-alone"),
        pytest.param("*/*;q=0", None, id="nothing"),
        pytest.param("image/png", None, id="none-of-these"),
        pytest.param("*/csv", None, id="no-range"),
        pytest.param("text/csv, application/json;q=", "application/json", id="empty"),
        pytest.param("text/csv, application/json;q=many", "application/json", id="no-number"),
        pytest.param("text/csv, application/json;q=nan", "application/json", id="nan"),
        pytest.param("text/csv, application/json;q=7", "application/json", id="too-high"),
        pytest.param("text/csv, application/json;q=-1", "application/json", id="negative"),
    ],
)
def test_the_highest_quality_value_wins(accept: str, media_type: str | None) -> None:
    assert choose(accept) == media_type


def test_parameters_of_the_chosen_range_reach_the_renderer() -> None:
    request: Any = RequestFactory().get("/", headers={"Accept": "text/csv;q=0.5, application/json;indent=4"})

    _, media_type = QualityNegotiation().select_renderer(request, RENDERERS)

    assert media_type == "application/json;indent=4"


@pytest.mark.parametrize(
    ("accept", "is_page"),
    [
        pytest.param(FIREFOX, True, id="firefox"),
        pytest.param("text/html", True, id="html"),
        pytest.param("text/*", True, id="text"),
        pytest.param("text/html, application/json;q=0.9", True, id="html-before-json"),
        pytest.param("text/html, application/json", False, id="equal"),
        pytest.param("text/html;q=0.9, application/json", False, id="json-before-html"),
        pytest.param("text/html;q=0.9, application/problem+json", False, id="problem-before-html"),
        pytest.param("text/html;q=0", False, id="no-html"),
        pytest.param("image/png", False, id="neither"),
        pytest.param("*/*", False, id="anything"),
        pytest.param("", False, id="empty"),
    ],
)
def test_an_error_is_a_page_if_html_is_preferred(accept: str, is_page: bool) -> None:
    assert prefers_html(RequestFactory().get("/", headers={"Accept": accept})) is is_page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accept", "status", "media_type"),
    [
        pytest.param("text/csv;q=0.1, application/json", 200, "application/json", id="json"),
        pytest.param("text/csv, application/json;q=0.9", 200, "text/csv; charset=utf-8", id="csv"),
        pytest.param("text/csv;q=0", 406, "application/problem+json", id="nothing"),
    ],
)
def test_the_list_honors_quality_values(
    client: Client, issuer: Issuer, accept: str, status: int, media_type: str
) -> None:
    headers = {"Authorization": f"Bearer {issuer.mint(scope='read:timesheets')}", "Accept": accept}

    response = client.get("/timesheets", headers=headers)

    assert (response.status_code, response.headers["Content-Type"]) == (status, media_type)
    assert response.headers["Vary"] == "Accept"
