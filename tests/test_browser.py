"""What a person sees who opens the API's address in a browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.processes import DevelopmentServer

pytestmark = pytest.mark.browser


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
        "--window-size=1280,900",
        f"--user-data-dir={tmp_path / 'profile'}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevelopmentServer]:
    server = DevelopmentServer(tmp_path)
    yield server
    server.close()


def test_the_upload_address_is_a_page_that_says_a_token_is_needed(
    browser: webdriver.Chrome, server: DevelopmentServer
) -> None:
    browser.get(f"{server.url}/timesheets/upload")

    page = browser.find_element(By.ID, "content").text
    assert "Upload timesheets" in page
    assert "HTTP 401 Unauthorized" in page
    assert "not_authenticated" in page
    # All its styles and scripts are there: what is missing is the page's own 401 and an icon.
    problems = [entry["message"] for entry in browser.get_log("browser")]
    assert [
        text for text in problems if "/timesheets/upload " not in text and "/favicon.ico" not in text
    ] == []
