"""The page that shows the API's OpenAPI description."""

import re
from html.parser import HTMLParser
from typing import Any

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


def test_production_serves_the_page_and_everything_that_it_loads(settings: Any) -> None:
    use_settings(settings, load_production())
    production = Client(headers={"Host": "timesheets.example.com"})

    html = production.get("/docs", secure=True).text

    paths = [*Page(html).loaded, "/openapi.json"]
    responses = [production.get(path, secure=True) for path in paths]
    assert [response.status_code for response in responses] == [200] * 9
    assert sum(len(response.getvalue()) for response in responses) > 1_000_000
    assert "<main" in html
    secrets = (PRODUCTION_VARIABLES["DJANGO_SECRET_KEY"], "hidden-password", "secret")
    assert [each for each in secrets if each in html] == []
