"""A request that prefers HTML gets every error as a page."""

from html import unescape
from typing import Any

import pytest
from django.test import Client

from tests.kit.issuer import Issuer

FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def browser(settings: Any) -> Client:
    settings.ROOT_URLCONF = "tests.api.urls_with_a_bug"
    settings.TIMESHEETS_BROWSER_SIGN_IN = True
    return Client(enforce_csrf_checks=True, raise_request_exception=False, headers={"Accept": FIREFOX})


ERRORS = [
    pytest.param("GET", "/", {"Host": "stranger.example"}, 400, "bad_request", id="host"),
    pytest.param("GET", "/timesheets", {}, 401, "not_authenticated", id="no-token"),
    pytest.param("POST", "/sign-in", {}, 403, "forbidden", id="csrf"),
    pytest.param("GET", "/nowhere", {}, 404, "not_found", id="no-such-address"),
    pytest.param("GET", "/static/nothing.css", {}, 404, "not_found", id="no-such-file"),
    pytest.param("POST", "/", {}, 405, "method_not_allowed", id="method"),
    pytest.param("POST", "/timesheets", {"Accept": "text/html"}, 406, "not_acceptable", id="no-json"),
    pytest.param("GET", "/bug", {}, 500, "internal_server_error", id="bug"),
    pytest.param("GET", "/lost-database", {}, 503, "database_unavailable", id="database"),
]


@pytest.mark.parametrize(("method", "path", "headers", "status", "code"), ERRORS)
def test_a_browser_gets_a_page_and_a_program_a_problem(
    browser: Client, method: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    accept = {"Accept": "image/png" if status == 406 else "text/html;q=0.9, application/json"}

    response = browser.generic(method, path, headers=headers)
    problem = browser.generic(method, path, headers={**headers, **accept})

    page = unescape(response.content.decode())
    assert response.status_code == status
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert int(response.headers["Content-Length"]) == len(response.content)
    assert response.headers["Cache-Control"] == "no-store"
    assert page.startswith("<!DOCTYPE html>")
    # Python's own words.
    assert "given URI" not in page
    assert "got itself in trouble" not in page
    assert page.count(response.headers["X-Request-ID"]) == 1
    assert (problem.status_code, problem.json()["code"]) == (status, code)
    assert problem.headers["Content-Type"] == "application/problem+json"
    assert problem.headers["Vary"] == response.headers["Vary"] == "Accept"


def test_a_page_keeps_the_headers_of_its_error(browser: Client) -> None:
    assert browser.get("/timesheets").headers["WWW-Authenticate"].startswith("Bearer realm=")
    assert browser.post("/").headers["Allow"] == "GET, HEAD"
    assert browser.get("/lost-database").headers["Retry-After"] == "5"


def test_developers_get_no_page_with_details_either(browser: Client, settings: Any) -> None:
    settings.DEBUG = True

    page = unescape(browser.get("/bug").content.decode())

    assert "<h1>Internal Server Error</h1>" in page
    assert "division" not in page


def test_a_page_links_only_to_what_a_visitor_can_open(client: Client, issuer: Issuer) -> None:
    page = client.get("/nowhere", headers={"Accept": FIREFOX}).content.decode()

    assert 'href="/docs"' in page
    assert 'href="/timesheets' not in page
