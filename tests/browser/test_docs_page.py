"""A developer tries the API out on its documentation page."""

import json
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select
from selenium.webdriver.support.wait import WebDriverWait

from tests.kit.browsers import Keyboard
from tests.kit.servers import DevelopmentServer

pytestmark = [pytest.mark.browser, pytest.mark.slow]


class DocsPage:
    """The documentation page, open in a browser."""

    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self.driver, self.url = driver, f"{url}/docs"
        self.open()

    def open(self) -> None:
        self.driver.get(self.url)
        self.wait_for(".btn.authorize")

    def wait_for(self, selector: str) -> Any:
        """Return the first visible element that `selector` matches, as soon as there is one."""

        def find(driver: webdriver.Chrome) -> Any:
            shown = (each for each in driver.find_elements(By.CSS_SELECTOR, selector) if each.is_displayed())
            return next(shown, None)

        return WebDriverWait(self.driver, 10).until(find, f"no {selector} on the page")

    def press(self, selector: str) -> None:
        element = self.wait_for(selector)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def write(self, selector: str, text: str) -> None:
        """Type over what the field has, in one step: the page is drawn again after each."""
        self.driver.execute_script("arguments[0].focus(); arguments[0].select()", self.wait_for(selector))
        self.driver.execute_cdp_cmd("Input.insertText", {"text": text})

    def authorize_with(self, token: str) -> None:
        self.press(".btn.authorize")
        self.write("#auth-bearer-value", token)
        self.press(".auth-btn-wrapper .authorize")
        self.press(".btn-done")

    def try_uploads_out(self) -> None:
        self.press("#operations-Timesheets-uploadTimesheets .opblock-summary-control")
        self.press(".try-out__btn")

    def upload(self, media_type: str = "application/json", body: str | None = None) -> int:
        """Upload `body`, or the example, and return the status."""
        Select(self.wait_for(".body-param-content-type select")).select_by_value(media_type)
        if body is not None:
            self.write("textarea.body-param__text", body)
        self.press(".btn.execute")
        return int(self.wait_for(".live-responses-table tbody .response-col_status").text.split()[0])

    def read_response(self) -> dict[str, Any]:
        text = self.wait_for(".live-responses-table .highlight-code code").get_attribute("textContent")
        body: dict[str, Any] = json.loads(text or "")
        return body

    def find_requests(self, path: str) -> list[dict[str, Any]]:
        """Return the requests that the browser sent to `path`."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [
            event["params"]["request"] for event in events if event["method"] == "Network.requestWillBeSent"
        ]
        return [request for request in sent if request["url"].partition("?")[0].endswith(path)]

    def find_complaints(self) -> list[str]:
        """Return the warnings in the browser's console, such as violations of the content security policy."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] != "DEBUG"]


@pytest.fixture
def page(driver: webdriver.Chrome, server: DevelopmentServer) -> DocsPage:
    return DocsPage(driver, server.url)


def test_a_pasted_token_uploads_the_example_until_the_page_is_loaded_again(
    page: DocsPage, server: DevelopmentServer
) -> None:
    token = server.get_token()
    page.authorize_with(token)
    page.try_uploads_out()

    assert page.upload() == 201
    assert page.read_response()["message"].endswith("for employee 007")
    assert page.find_complaints() == []

    page.open()

    stored = page.driver.execute_script("return JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert token not in stored
    page.try_uploads_out()
    assert page.upload() == 401


def test_the_keyboard_alone_tries_a_request_out(page: DocsPage, server: DevelopmentServer) -> None:
    keyboard = Keyboard(page.driver)
    keyboard.activate("Skip to content")
    keyboard.activate("Authorize")
    assert page.driver.switch_to.active_element == page.wait_for("#auth-bearer-value")
    keyboard.press(server.get_token())
    keyboard.activate("Authorize")
    keyboard.activate("Close")

    keyboard.activate("GET /timesheets Read what this client has uploaded")
    page.wait_for(".try-out__btn")
    keyboard.activate("Try it out")
    keyboard.fill("entry_id", "nothing")
    keyboard.fill("current", "true")
    keyboard.activate("Execute")

    assert page.read_response()["results"] == []
    [sent] = page.find_requests("/timesheets")
    assert "entry_id=nothing" in sent["url"]
    assert "current=true" in sent["url"]


BODIES = [
    ("application/json", '[ {"user_id":  "007"} ]', 207),
    ("application/x-ndjson", '{"user_id":  "007"}\n\n7\n', 207),
    ("text/csv", 'user_id,date,project,hours\n007,2017-05-10,"a ""b""",5\n', 207),
    ("application/json", "no json", 400),
]


def test_the_body_is_sent_exactly_as_shown(page: DocsPage, server: DevelopmentServer) -> None:
    page.authorize_with(server.get_token())
    page.try_uploads_out()

    for media_type, body, status in BODIES:
        assert page.upload(media_type, body) == status
        [sent] = page.find_requests("/timesheets/upload")
        assert sent["postData"] == body
        assert sent["headers"]["Content-Type"] == media_type
        page.press(".btn-clear")


def test_the_page_uses_the_host_name_in_its_own_address(
    driver: webdriver.Chrome, server: DevelopmentServer
) -> None:
    page = DocsPage(driver, server.url.replace("127.0.0.1", "localhost"))

    page.authorize_with(server.get_token())
    page.try_uploads_out()

    assert page.upload() == 201
    assert page.find_complaints() == []
