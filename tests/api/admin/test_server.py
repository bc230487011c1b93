"""The admin under the production server: what needs several threads, a process of its own, or a browser."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import requests
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

from tests.api.admin.conftest import LIST, PASSWORD, UPLOADS
from tests.api.admin.test_sign_in import TOO_MANY
from tests.kit.browsers import open_browser
from tests.kit.processes import run_python
from tests.kit.servers import GranianServer

WRONG = "Please enter the correct username and password"
ADD_SUPERUSER = f"""
import django; django.setup()
from django.contrib.auth.models import User
User.objects.create_superuser("boss", password="{PASSWORD}")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GranianServer]:
    folder = tmp_path_factory.mktemp("server")
    server = GranianServer(folder, "http://127.0.0.1:1/", settings="tests.settings_admin", workers=1)
    url = f"sqlite:///{folder / 'db.sqlite3'}"
    run_python("-c", ADD_SUPERUSER, DJANGO_SETTINGS_MODULE="tests.settings_admin", TEST_DATABASE_URL=url)
    yield server
    server.close()


def test_guesses_at_the_same_time_are_all_counted_and_no_log_has_one(server: GranianServer) -> None:
    together = Barrier(14)

    def guess(number: int) -> requests.Response:
        session = requests.Session()
        session.headers["X-Forwarded-For"] = "203.0.113.6"
        url = f"{server.url}/admin/login/"
        session.get(url, timeout=30)
        form = {"username": "boss", "password": f"guess-{number}"}
        together.wait(30)
        return session.post(url, {**form, "csrfmiddlewaretoken": session.cookies["csrftoken"]}, timeout=30)

    with ThreadPoolExecutor(14) as executor:
        pages = list(executor.map(guess, range(14)))

    assert [sum(text in page.text for page in pages) for text in (WRONG, TOO_MANY)] == [10, 4]
    [line, _] = map(json.loads, server.wait_for_log(pages[0].headers["X-Request-ID"], 2))
    assert line["message"].startswith("outcome=refused reason=admin_sign_in")
    assert "guess-" not in server.read_log()


@pytest.mark.browser
def test_its_pages_work_under_the_content_security_policy(server: GranianServer, tmp_path: Path) -> None:
    paths = ["/admin/", LIST, UPLOADS, "/admin/auth/user/add/", "/admin/auth/group/add/", "/admin/auth/user/"]
    with open_browser(tmp_path) as browser:
        browser.get(f"{server.url}/admin/")
        browser.find_element(By.NAME, "username").send_keys("boss")
        browser.find_element(By.NAME, "password").send_keys(PASSWORD)
        browser.find_element(By.CSS_SELECTOR, "[type=submit]").click()
        WebDriverWait(browser, 10).until(
            expected_conditions.presence_of_element_located((By.ID, "user-tools"))
        )

        for path in paths:
            browser.get(f"{server.url}{path}")
        browser.find_element(By.ID, "action-toggle").click()

        # A script updates the counter.
        assert browser.find_element(By.CLASS_NAME, "action-counter").text.startswith("1 of 1 selected")
        color = browser.find_element(By.ID, "header").value_of_css_property("background-color")
        assert color != "rgba(0, 0, 0, 0)"
        problems = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        assert [problem for problem in problems if "/favicon.ico" not in problem] == []
