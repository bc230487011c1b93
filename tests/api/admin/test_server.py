"""The admin under the production server: what needs several threads, a process of its own, or a browser."""

import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest
import requests
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

from tests.api.admin.pages import LIST, PASSWORD, UPLOADS
from tests.api.admin.test_sign_in import TOO_MANY
from tests.kit.browsers import open_browser
from tests.kit.processes import run_python
from tests.kit.servers import GranianServer

COUNT = 100_001
WRONG = "Please enter the correct username and password"
ADD_SUPERUSER = f"""
import django; django.setup()
from django.contrib.auth.models import User
User.objects.create_superuser("boss", password="{PASSWORD}")
"""
# A minute after the other, in what SQLite stores.
ADD_ENTRIES = """
INSERT INTO timesheets_client (id, issuer, client_id) VALUES (1, 'https://issuer.example/', 'payroll');
WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 100001)
INSERT INTO timesheets_timesheet (id, client_id, entry_id, user_id, date, project, hours, received_at)
SELECT n, 1, printf('%032d', n), '007', datetime(1483228800 + 60 * n, 'unixepoch'), 'StoreZero', 5,
    '2017-05-11 08:00:00' FROM number;
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GranianServer]:
    folder = tmp_path_factory.mktemp("server")
    server = GranianServer(folder, "http://127.0.0.1:1/", settings="tests.settings_admin", workers=1)
    url = f"sqlite:///{folder / 'db.sqlite3'}"
    run_python("-c", ADD_SUPERUSER, DJANGO_SETTINGS_MODULE="tests.settings_admin", TEST_DATABASE_URL=url)
    with closing(sqlite3.connect(folder / "db.sqlite3")) as database:
        database.executescript(ADD_ENTRIES)
    yield server
    server.close()


def post(session: requests.Session, url: str, **fields: object) -> requests.Response:
    form = {**fields, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
    return session.post(url, form, timeout=30)


def open_form(server: GranianServer, address: str = "127.0.0.1") -> requests.Session:
    """A browser without scripts that shows the sign-in form."""
    session = requests.Session()
    session.headers["X-Forwarded-For"] = address
    session.get(f"{server.url}/admin/login/", timeout=30)
    return session


def sign_in(server: GranianServer, session: requests.Session, password: str) -> requests.Response:
    """The page that the sign-in leads to."""
    url = f"{server.url}/admin/login/?next={LIST}"
    return post(session, url, username="boss", password=password)


def test_guesses_at_the_same_time_are_all_counted(server: GranianServer) -> None:
    together = Barrier(14)

    def guess(number: int) -> str:
        session = open_form(server, "203.0.113.6")
        together.wait(30)
        return sign_in(server, session, f"guess-{number}").text

    with ThreadPoolExecutor(14) as executor:
        pages = list(executor.map(guess, range(14)))

    assert [sum(text in page for page in pages) for text in (WRONG, TOO_MANY)] == [10, 4]


def test_no_log_of_the_server_has_a_password(server: GranianServer) -> None:
    response = sign_in(server, open_form(server), "a-wrong-password")

    [line, _] = map(json.loads, server.wait_for_log(response.headers["X-Request-ID"], 2))
    assert line["message"] == 'outcome=refused reason=admin_sign_in address="127.0.0.1"'
    assert "a-wrong-password" not in server.read_log()


def test_an_export_of_many_pages_is_complete_and_uses_little_memory(server: GranianServer) -> None:
    session = open_form(server)
    sign_in(server, session, PASSWORD)
    fields = {"action": "export_as_csv", "_selected_action": 1}
    post(session, f"{server.url}{LIST}", **fields)
    before = server.read_peak_memory()

    response = post(session, f"{server.url}{LIST}", **fields, select_across=1)

    growth = server.read_peak_memory() - before
    rows = csv.reader(io.StringIO(response.content.decode("utf-8-sig"), newline=""))
    assert [row[0] for row in rows] == ["id", *(str(number) for number in range(COUNT, 0, -1))]
    # The file has 13 MB. Its rows as Python objects would be many times larger.
    assert len(response.content) > 10_000_000
    assert growth < 8 * 1024 * 1024


@pytest.mark.browser
def test_its_pages_work_under_the_content_security_policy(server: GranianServer, tmp_path: Path) -> None:
    paths = ["/admin/", LIST, f"{LIST}1/change/", UPLOADS, "/admin/auth/user/add/", "/admin/auth/group/add/"]
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
        browser.get(f"{server.url}{LIST}")
        browser.find_element(By.ID, "action-toggle").click()

        # A script updates the counter.
        assert browser.find_element(By.CLASS_NAME, "action-counter").text.startswith("100 of 100 selected")
        color = browser.find_element(By.ID, "header").value_of_css_property("background-color")
        assert color != "rgba(0, 0, 0, 0)"
        problems = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        assert [problem for problem in problems if "/favicon.ico" not in problem] == []
