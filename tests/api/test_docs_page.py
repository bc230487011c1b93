"""The page that shows the API's OpenAPI description."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from tests.kit.processes import PRODUCTION_VARIABLES
from tests.kit.settings import load_production, use_settings


class Page(HTMLParser):
    """The URLs that a page loads, and its inline code, which a strict content security policy forbids."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        if tag in {"script", "img"} or (tag == "link" and "href" in named):
            self.loaded.append(named.get("src") or named.get("href") or "")
        if tag == "style" or (tag == "script" and "src" not in named):
            self.inline.append(tag)
        self.inline += [name for name in named if name == "style" or name.startswith("on")]


def test_the_page_has_no_inline_code_and_loads_nothing_from_another_host(client: Client) -> None:
    page = Page(client.get("/docs").content.decode())

    assert page.inline == []
    assert len(page.loaded) == 8
    assert [url for url in page.loaded if not url.startswith("/static/")] == []


def test_the_page_has_the_header_of_every_page(client: Client) -> None:
    # Only the mark of the current page, and where to go after signing in, differ.
    own = re.compile(r' aria-current="page"|\?next=[^"]*')

    pages = [own.sub("", client.get(path).content.decode()) for path in ("/", "/docs")]

    landing, docs = [re.findall(r"<header.*</header>", page, re.DOTALL) for page in pages]
    assert docs == landing != []


@pytest.fixture
def production(settings: Any) -> Client:
    use_settings(settings, load_production())
    return Client(headers={"Host": "timesheets.example.com"})


def test_production_serves_the_page_and_everything_that_it_loads(production: Client) -> None:
    page = Page(production.get("/docs", secure=True).text)

    responses = [production.get(url, secure=True) for url in [*page.loaded, "/openapi.json"]]
    assert [response.status_code for response in responses] == [200] * 9
    assert sum(len(response.getvalue()) for response in responses) > 1_000_000


def test_the_page_contains_no_production_secret(production: Client) -> None:
    html = production.get("/docs", secure=True).text

    assert "<main" in html
    assert PRODUCTION_VARIABLES["DJANGO_SECRET_KEY"] not in html
    assert "hidden-password" not in html
    assert "secret" not in html
