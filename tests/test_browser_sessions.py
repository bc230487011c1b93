"""What a browser's session is worth at the API's own addresses, and what a header is worth beside it."""

import re
from collections.abc import Iterator

import pytest
import requests

from tests.processes import DevelopmentServer
from tests.raw_http import FORM, MULTIPART, open_connections, receive_status, write_head

ENTRY = {"user_id": "007", "date": "2017-05-10", "project": "StoreZero", "hours": 5}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevelopmentServer]:
    server = DevelopmentServer(tmp_path_factory.mktemp("server"))
    yield server
    server.close()


class Browser(requests.Session):
    """Keeps cookies and sends what a page's script would send with them."""

    def __init__(self, server: DevelopmentServer) -> None:
        super().__init__()
        self.url = server.url

    def sign_in(self, client: str) -> requests.Response:
        form = {"client": client, "csrfmiddlewaretoken": self.find_csrf_token("/sign-in")}
        return self.post(f"{self.url}/sign-in", form, timeout=10)

    def find_csrf_token(self, path: str) -> str:
        page = self.get(f"{self.url}{path}", headers={"Accept": "text/html"}, timeout=10).text
        return re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0]

    def upload(self, **headers: str) -> requests.Response:
        return self.post(f"{self.url}/timesheets/upload", json=ENTRY, headers=headers, timeout=10)


@pytest.fixture
def browser(server: DevelopmentServer) -> Iterator[Browser]:
    with Browser(server) as browser:
        yield browser


def test_one_button_signs_in_as_a_client_of_the_development_issuer(browser: Browser) -> None:
    response = browser.sign_in("payroll")

    assert response.url == f"{browser.url}/timesheets/upload"
    assert "Sign out" in browser.get(f"{browser.url}/", timeout=10).text


def test_a_session_uploads_with_the_proof_that_it_comes_from_a_page(browser: Browser) -> None:
    browser.sign_in("payroll")

    answer = browser.upload(**{"X-CSRFToken": browser.find_csrf_token("/timesheets/upload")})

    assert answer.status_code == 201
    assert answer.json()["message"].startswith("Created timesheet")


def test_a_session_reads_without_it(browser: Browser) -> None:
    browser.sign_in("reporting")

    answer = browser.get(f"{browser.url}/timesheets", timeout=10)

    assert answer.status_code == 200
    assert answer.json()["results"] == []


@pytest.mark.parametrize("token", [None, "", "x" * 64])
def test_without_that_proof_nothing_is_written(browser: Browser, token: str | None) -> None:
    browser.sign_in("payroll")

    answer = browser.upload(**({} if token is None else {"X-CSRFToken": token}))

    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    assert "WWW-Authenticate" not in answer.headers


@pytest.mark.parametrize("content_type", [FORM, MULTIPART])
def test_that_proof_is_not_looked_for_in_the_body(browser: Browser, content_type: str) -> None:
    browser.sign_in("payroll")
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)
    port = int(browser.url.rpartition(":")[2])
    head = write_head(port, "/timesheets/upload", 1000, content_type, Cookie=cookies)

    with open_connections(port, 1, head) as [connection]:
        status = receive_status(connection)

    assert status == 403


def test_a_session_grants_no_more_than_its_token(browser: Browser) -> None:
    browser.sign_in("reporting")

    answer = browser.upload(**{"X-CSRFToken": browser.find_csrf_token("/sign-in")})

    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        pytest.param("Bearer eyJ.eyJ.x", 401, "invalid_token", id="a bad token"),
        pytest.param("Bearer", 400, "invalid_request", id="none"),
        pytest.param("Basic cGF5cm9sbDp4", 401, "not_authenticated", id="another scheme"),
        pytest.param("", 401, "not_authenticated", id="an empty header"),
    ],
)
def test_beside_a_header_the_session_is_not_looked_at(
    browser: Browser, authorization: str, status: int, code: str
) -> None:
    browser.sign_in("payroll")
    proof = browser.find_csrf_token("/timesheets/upload")

    answer = browser.upload(**{"X-CSRFToken": proof, "Authorization": authorization})

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_header_wins_over_the_session(server: DevelopmentServer, browser: Browser) -> None:
    browser.sign_in("reporting")

    answer = browser.upload(Authorization=f"Bearer {server.get_token('payroll')}")

    assert answer.status_code == 201
    [line] = server.wait_for_log(answer.headers["X-Request-ID"], 1)[:1]
    assert 'client="payroll"' in line


def test_a_machines_answer_knows_nothing_of_sessions(server: DevelopmentServer) -> None:
    url = f"{server.url}/timesheets/upload"
    bearer = {"Authorization": f"Bearer {server.get_token()}"}

    answers = [
        requests.post(url, json=ENTRY, timeout=10),
        requests.post(url, json=ENTRY, headers=bearer, timeout=10),
        requests.post(url, json={}, headers=bearer, timeout=10),
        requests.get(url, headers=bearer, timeout=10),
    ]

    assert [answer.status_code for answer in answers] == [401, 201, 422, 405]
    for answer in answers:
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.headers.get("Vary", "")


def test_a_session_sends_no_form(browser: Browser) -> None:
    browser.sign_in("payroll")
    proof = browser.find_csrf_token("/timesheets/upload")

    answer = browser.post(
        f"{browser.url}/timesheets/upload", ENTRY, headers={"X-CSRFToken": proof}, timeout=10
    )

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_button_for_an_unknown_client_says_so(browser: Browser) -> None:
    answer = browser.sign_in("stranger")

    assert answer.status_code == 503
    assert "The development issuer knows no such client." in answer.text


@pytest.mark.parametrize("path", ["/timesheets/upload", "/timesheets", "/timesheets/1"])
def test_a_page_that_needs_a_token_leads_to_the_sign_in_and_back(browser: Browser, path: str) -> None:
    answer = browser.get(f"{browser.url}{path}", headers={"Accept": "text/html"}, timeout=10)

    assert answer.status_code == 401
    assert f'href="/sign-in?next={path.replace("/", "%2F")}"' in answer.text
