"""A person opens the API in a browser and uses its pages."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.kit.browsers import Keyboard, open_browser
from tests.kit.person import Person
from tests.kit.servers import DevelopmentServer

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevelopmentServer]:
    server = DevelopmentServer(tmp_path_factory.mktemp("server"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with open_browser(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


@pytest.fixture
def person(driver: webdriver.Chrome, server: DevelopmentServer) -> Person:
    """A person in a browser without cookies."""
    driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    driver.get_log("browser")
    return Person(driver, server)


def upload(server: DevelopmentServer, *entries: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {server.get_token()}"}
    requests.post(f"{server.url}/timesheets/upload", json=entries, headers=headers, timeout=10)


def test_a_person_signs_in_uploads_finds_entries_and_signs_out(person: Person) -> None:
    person.open("/")
    person.see("stores each entry once")
    person.follow("Sign in")
    person.press("Sign in as payroll")
    person.see("Upload timesheets")

    person.fill("user_id", "007")
    person.choose_date("date", "2017-05-10")
    person.fill("project", "StoreZero")
    person.fill("hours", "7.5")
    person.press("Upload entry")
    person.see("Created entry 1: 7.50 hours of employee 007.")

    week = [
        {"user_id": "007", "date": "2017-05-11", "project": "StoreZero", "hours": 5, "entry_id": "w19:1"},
        {"user_id": "008", "date": "2017-05-11", "project": "StoreZero", "hours": 26, "entry_id": "w19:2"},
        {"user_id": "009", "date": "2017-05-12", "project": "Intranet", "hours": 4, "entry_id": "w19:3"},
    ]
    person.paste(json.dumps(week))
    person.see("2 entries would be stored: 9.00 hours of 2 employees. Nothing is stored yet.")
    person.press("Upload 2 entries")
    person.see("2 entries were stored, 1 was rejected.")

    person.follow("Entries")
    person.see("Received")
    assert [cell.text for cell in person.driver.find_elements(By.CLASS_NAME, "person")] == [
        "009",
        "007",
        "007",
    ]
    person.fill("project", "Intranet")
    person.press("Find")
    person.reach("/timesheets?project=Intranet")
    [day, row] = person.read_rows()
    assert flatten(day) == "Fri, 12 May 2017 Sum: 4.00"
    assert "009 Intranet 4.00 w19:3" in flatten(row)

    person.press("Sign out")
    person.see("stores each entry once")
    person.open("/timesheets")
    person.see("Sign in to continue")
    assert person.read_complaints() == []


def test_a_person_signs_in_reads_and_signs_out_by_keyboard(person: Person, server: DevelopmentServer) -> None:
    keyboard = Keyboard(person.driver)
    person.open("/sign-in?next=/timesheets")
    keyboard.fill("Access token", server.get_token("reporting"))
    keyboard.activate("Sign in")
    person.reach("/timesheets")

    keyboard.activate("Skip to content")
    assert person.driver.switch_to.active_element == person.find("content")
    keyboard.activate("Receipts")
    person.reach("/uploads")
    keyboard.activate("Sign out")
    person.see("stores each entry once")


def test_a_person_reads_the_history_of_an_entry_and_the_receipts(
    person: Person, server: DevelopmentServer
) -> None:
    entry = {"user_id": "007", "date": "2017-05-10", "project": "StoreZero", "hours": 5, "entry_id": "w20:1"}
    script = "<script>document.title = 'hacked'</script>"
    upload(server, entry, {**entry, "revision": 2, "reason": script, "hours": 4.5})
    person.open("/sign-in?next=/uploads")
    person.press("Sign in as payroll")

    person.see("Receipts")
    person.driver.find_elements(By.CSS_SELECTOR, "tbody a")[0].click()
    person.see("Created entries")
    first, second = person.read_rows()[-2:]
    assert "revision 1 superseded" in flatten(first)
    assert "revision 2 current" in flatten(second)

    person.driver.find_element(By.CSS_SELECTOR, ".entries .off [data-label='Id'] a").click()
    person.see("Superseded by revision 2.")
    newest, oldest = person.read_rows()
    assert "2 current 007 Wed, 10 May 2017 StoreZero 4.50 was 5.00" in flatten(newest)
    assert script in newest
    assert flatten(oldest).startswith("1 superseded 007")
    # Bold and said in words, so that nobody depends on a color.
    [changed] = person.driver.find_elements(By.CSS_SELECTOR, "tbody td.number strong")
    assert (changed.text, int(changed.value_of_css_property("font-weight")) >= 700) == ("4.50", True)

    person.follow("revision 2")
    person.see("Revision\n2 current")
    person.follow("Receipts")
    person.reach("/uploads")
    person.fill("label", "week19.csv")
    person.press("Find")
    person.see("No receipts match.")
    person.reach("/uploads?label=week19.csv")
    assert "hacked" not in person.driver.title
    assert person.read_complaints() == []


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("", id="clipboard"),
        # As in a browser on plain HTTP.
        pytest.param("Object.defineProperty(navigator, 'clipboard', {value: undefined})", id="no clipboard"),
    ],
)
def test_a_person_copies_an_identifier_by_keyboard(person: Person, script: str) -> None:
    keyboard = Keyboard(person.driver)
    person.open("/")
    person.driver.execute_script(script)

    keyboard.activate("Copy audience")

    person.hear("Copied audience")
    assert person.driver.switch_to.active_element.accessible_name == "Copy audience"
    person.open("/sign-in")
    person.find("token").send_keys(Keys.CONTROL, "v")
    assert person.find("token").get_property("value") == "https://timesheets.example.com"


def flatten(text: str) -> str:
    return " ".join(text.split())


def test_a_person_without_the_upload_scope_sees_which_scope_is_missing(person: Person) -> None:
    person.open("/sign-in?next=/timesheets/upload")

    person.press("Sign in as reporting")

    person.see("The access token does not grant the required scope: batch:upload.")
    person.see("From a program")
