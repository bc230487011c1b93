"""The page that shows the API's OpenAPI description."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
import requests
from django.test import Client

from tests.kit.processes import PRODUCTION_VARIABLES, run_python
from tests.kit.servers import GranianServer


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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GranianServer]:
    server = GranianServer(tmp_path_factory.mktemp("server"), "http://127.0.0.1:1/")
    yield server
    server.close()


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


def test_production_serves_the_page_and_everything_that_it_loads(server: GranianServer) -> None:
    page = Page(requests.get(f"{server.url}/docs", timeout=10).text)

    responses = [requests.get(f"{server.url}{url}", timeout=10) for url in [*page.loaded, "/openapi.json"]]
    assert [response.status_code for response in responses] == [200] * 9
    assert sum(len(response.content) for response in responses) > 1_000_000


def test_the_page_contains_no_production_secret() -> None:
    code = """import timesheets_site.wsgi
from django.test import Client
print(Client(headers={"Host": "timesheets.example.com"}).get("/docs", secure=True).content.decode())
"""

    html = run_python("-c", code, **PRODUCTION_VARIABLES).stdout

    assert "<main" in html
    assert PRODUCTION_VARIABLES["DJANGO_SECRET_KEY"] not in html
    assert "hidden-password" not in html
    assert "secret" not in html


@pytest.mark.parametrize(
    "path", ["/docs", "/openapi.json", "/.well-known/oauth-protected-resource/timesheets/upload"]
)
def test_a_read_only_address_refuses_other_methods(path: str) -> None:
    response = Client(enforce_csrf_checks=True).post(path)

    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, HEAD"
