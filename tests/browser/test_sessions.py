"""A browser's session authenticates requests to the API, and an Authorization header overrides it."""

import re
from collections.abc import Iterator

import pytest
import requests

from tests.kit.raw_http import FORM, MULTIPART, open_connections, receive_status, write_head
from tests.kit.servers import DevelopmentServer

ENTRY = {"user_id": "007", "date": "2017-05-10", "project": "StoreZero", "hours": 5}


class Browser(requests.Session):
    """Keeps cookies, and sends the requests that a page's script sends."""

    def __init__(self, server: DevelopmentServer) -> None:
        super().__init__()
        self.url, self._server = server.url, server

    def sign_in(self, client: str) -> None:
        token = self._server.get_token(client)
        form = {"token": token, "csrfmiddlewaretoken": self.find_csrf_token("/sign-in")}
        response = self.post(f"{self.url}/sign-in", form, allow_redirects=False, timeout=10)
        assert response.status_code == 302

    def find_csrf_token(self, path: str) -> str:
        page = self.get(f"{self.url}{path}", headers={"Accept": "text/html"}, timeout=10).text
        return str(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0])

    def upload(self, **headers: str) -> requests.Response:
        return self.post(f"{self.url}/timesheets/upload", json=ENTRY, headers=headers, timeout=10)


@pytest.fixture
def browser(server: DevelopmentServer) -> Iterator[Browser]:
    with Browser(server) as browser:
        yield browser


@pytest.mark.parametrize("token", [None, "", "x" * 64])
def test_a_session_without_a_valid_csrf_token_writes_nothing(browser: Browser, token: str | None) -> None:
    browser.sign_in("payroll")

    response = browser.upload(**({} if token is None else {"X-CSRFToken": token}))

    assert (response.status_code, response.json()["code"]) == (403, "csrf_failed")
    assert "WWW-Authenticate" not in response.headers


@pytest.mark.parametrize("content_type", [FORM, MULTIPART])
def test_the_csrf_check_does_not_read_the_body(browser: Browser, content_type: str) -> None:
    browser.sign_in("payroll")
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)
    port = int(browser.url.rpartition(":")[2])
    head = write_head(port, "/timesheets/upload", 1000, content_type, Cookie=cookies)

    with open_connections(port, 1, head) as [connection]:
        status = receive_status(connection)

    assert status == 403


def test_a_session_grants_no_more_than_its_token(browser: Browser) -> None:
    browser.sign_in("reporting")

    response = browser.upload(**{"X-CSRFToken": browser.find_csrf_token("/sign-in")})

    assert (response.status_code, response.json()["code"]) == (403, "insufficient_scope")


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        pytest.param("Bearer eyJ.eyJ.x", 401, "invalid_token", id="a bad token"),
        pytest.param("Bearer", 400, "invalid_request", id="none"),
        pytest.param("Basic cGF5cm9sbDp4", 401, "not_authenticated", id="another scheme"),
        pytest.param("", 401, "not_authenticated", id="an empty header"),
    ],
)
def test_a_session_does_not_help_a_bad_authorization_header(
    browser: Browser, authorization: str, status: int, code: str
) -> None:
    browser.sign_in("payroll")
    csrf_token = browser.find_csrf_token("/timesheets/upload")

    response = browser.upload(**{"X-CSRFToken": csrf_token, "Authorization": authorization})

    assert (response.status_code, response.json()["code"]) == (status, code)


def test_an_authorization_header_overrides_the_session(server: DevelopmentServer, browser: Browser) -> None:
    browser.sign_in("reporting")

    response = browser.upload(Authorization=f"Bearer {server.get_token('payroll')}")

    assert response.status_code == 201
    [_, line] = server.wait_for_log(response.headers["X-Request-ID"], 2)
    assert 'client="payroll"' in line


def test_a_response_to_a_machine_has_no_trace_of_sessions(server: DevelopmentServer) -> None:
    url = f"{server.url}/timesheets/upload"
    bearer = {"Authorization": f"Bearer {server.get_token()}"}

    responses = [
        requests.post(url, json=ENTRY, timeout=10),
        requests.post(url, json=ENTRY, headers=bearer, timeout=10),
        requests.post(url, json={}, headers=bearer, timeout=10),
        requests.get(url, headers=bearer, timeout=10),
    ]

    assert [response.status_code for response in responses] == [401, 201, 422, 405]
    for response in responses:
        assert "Set-Cookie" not in response.headers
        assert "Cookie" not in response.headers.get("Vary", "")


def test_a_session_cannot_upload_a_form(browser: Browser) -> None:
    browser.sign_in("payroll")
    csrf_token = browser.find_csrf_token("/timesheets/upload")

    response = browser.post(
        f"{browser.url}/timesheets/upload", ENTRY, headers={"X-CSRFToken": csrf_token}, timeout=10
    )

    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("path", ["/timesheets/upload", "/timesheets", "/timesheets/1"])
def test_a_page_that_needs_a_token_links_to_the_sign_in_and_back(browser: Browser, path: str) -> None:
    response = browser.get(f"{browser.url}{path}", headers={"Accept": "text/html"}, timeout=10)

    assert response.status_code == 401
    assert f'href="/sign-in?next={path.replace("/", "%2F")}"' in response.text
