"""A person reads an employee's week in a browser, with the keyboard alone."""

import json

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.conftest import upload
from tests.kit.browsers import Keyboard
from tests.kit.person import Person
from tests.kit.servers import DevelopmentServer

pytestmark = pytest.mark.browser

ENTRIES = [
    {"user_id": "007", "date": "2026-11-16", "project": "StoreZero", "hours": 7.5, "entry_id": "a"},
    {"user_id": "007", "date": "2026-11-17", "project": "Intranet", "hours": 4, "entry_id": "b"},
    {"user_id": "007", "date": "2026-11-10", "project": "Intranet", "hours": 6, "entry_id": "c"},
]


@pytest.fixture(scope="module")
def week(server: DevelopmentServer) -> None:
    assert upload(server, *ENTRIES).json()["created"] == len(ENTRIES)


def read_totals(driver: webdriver.Chrome) -> str:
    return driver.find_element(By.CSS_SELECTOR, ".sums tfoot").text


@pytest.mark.slow
@pytest.mark.usefixtures("week")
def test_a_week_is_found_and_left_with_the_keyboard_alone(person: Person) -> None:
    keyboard = Keyboard(person.driver)
    person.open("/people/week")

    keyboard.fill("Employee", "007")
    keyboard.fill_date("A day of the week", "2026-11-19")
    keyboard.press(Keys.ENTER)
    person.see("Employee 007, 16 November to 22 November 2026")
    assert read_totals(person.driver) == "Total 7.50 4.00 11.50"

    # Each printed sheet says whose week this is, and when it was printed.
    person.driver.execute_cdp_cmd("Page.printToPDF", {})
    printed = (
        "return ['--title', '--printed'].map((name) => document.documentElement.style.getPropertyValue(name))"
    )
    title, moment = map(json.loads, person.driver.execute_script(printed))
    assert (title, len(moment) > len("1 Dec 2026")) == (person.driver.title, True)

    keyboard.activate("Everybody in this week")
    person.see("No list of who is expected is kept")
    keyboard.activate("007")
    person.see("Employee 007, 16 November to 22 November 2026")

    keyboard.activate("Previous week")
    person.see("9 November to 15 November 2026")
    assert read_totals(person.driver) == "Total 6.00 6.00"

    keyboard.activate("Entries of this week")
    person.reach("/timesheets?user_id=007&date_from=2026-11-09&date_to=2026-11-16&current=true")
    assert person.read_complaints() == []
