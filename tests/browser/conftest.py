"""One browser and one server for all modules. A module begins with empty tables, a test without cookies."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
import requests
from selenium import webdriver

from tests.kit.browsers import open_browser, set_screen
from tests.kit.person import Person
from tests.kit.servers import DevelopmentServer

# Not UTC, or nobody would see whose days these are.
ZONE = "Europe/Berlin"
EMPTY = """
DELETE FROM timesheets_timesheet;
DELETE FROM timesheets_rejection;
DELETE FROM timesheets_upload;
DELETE FROM timesheets_run;
DELETE FROM timesheets_runline;
DELETE FROM timesheets_assignmentlist;
DELETE FROM sqlite_sequence;
"""


@pytest.fixture(scope="session")
def only_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevelopmentServer]:
    server = DevelopmentServer(tmp_path_factory.mktemp("server"), TIMESHEETS_TIME_ZONE=ZONE)
    yield server
    server.close()


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the browser puts files."""
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def only_driver(tmp_path_factory: pytest.TempPathFactory, downloads: Path) -> Iterator[webdriver.Chrome]:
    with open_browser(tmp_path_factory.mktemp("browser")) as driver:
        behavior = {"behavior": "allow", "downloadPath": str(downloads)}
        driver.execute_cdp_cmd("Browser.setDownloadBehavior", behavior)
        yield driver


@pytest.fixture(scope="module")
def server(only_server: DevelopmentServer) -> DevelopmentServer:
    """The server without entries and receipts. Modules with others use a fixture on top of this one."""
    with closing(sqlite3.connect(only_server.database, timeout=30)) as database:
        database.executescript(EMPTY)
    return only_server


@pytest.fixture
def driver(only_driver: webdriver.Chrome) -> webdriver.Chrome:
    """The browser as if it was just started."""
    only_driver.get("about:blank")
    only_driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    only_driver.implicitly_wait(0)
    set_screen(only_driver, 1280, is_dark=False)
    for log in ("browser", "performance"):
        only_driver.get_log(log)
    return only_driver


@pytest.fixture(scope="module")
def payroll(server: DevelopmentServer) -> str:
    """The session of somebody who is signed in as payroll."""
    return sign_in(f"{server.url}/sign-in", token=server.get_token())


@pytest.fixture
def person(driver: webdriver.Chrome, server: DevelopmentServer, payroll: str) -> Person:
    """A person who is signed in as payroll."""
    use_session(driver, server, payroll)
    return Person(driver, server)


def sign_in(url: str, **fields: str) -> str:
    """The session after the form at `url` was sent."""
    with requests.Session() as session:
        session.get(url, timeout=10)
        form = {**fields, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
        session.post(url, form, headers={"Referer": url}, timeout=10)
        return str(session.cookies["sessionid"])


def use_session(driver: webdriver.Chrome, server: DevelopmentServer, session: str) -> None:
    cookie = {"name": "sessionid", "value": session, "url": server.url}
    driver.execute_cdp_cmd("Network.setCookie", cookie)


def upload(server: DevelopmentServer, *entries: Mapping[str, object]) -> requests.Response:
    headers = {"Authorization": f"Bearer {server.get_token()}"}
    return requests.post(f"{server.url}/timesheets/upload", json=entries, headers=headers, timeout=30)
