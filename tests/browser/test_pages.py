"""A person opens the API in a browser and uses its pages."""

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


@pytest.fixture
def stranger(driver: webdriver.Chrome, server: DevelopmentServer) -> Person:
    """A person who is not signed in."""
    return Person(driver, server)


def test_a_person_signs_in_uploads_finds_entries_and_signs_out(stranger: Person) -> None:
    stranger.open("/")
    stranger.see("stores each entry once")
    stranger.follow("Sign in")
    stranger.press("Sign in")
    stranger.see("Development issuer")
    issuers_page = stranger.driver.current_url
    stranger.press("Sign in as payroll")
    stranger.see("Latest uploads")
    # The state is used up, and the browser does not send the session with the issuer's answer.
    stranger.driver.get(issuers_page)
    stranger.press("Sign in as payroll")
    stranger.see("Latest uploads")
    stranger.follow("Upload")
    stranger.see("Upload entries")

    stranger.fill("user_id", "007")
    stranger.choose_date("date", "2017-05-10")
    stranger.fill("project", "StoreZero")
    stranger.fill("hours", "7.5")
    stranger.press("Upload entry")
    stranger.see("Stored entry 1: 7.50 hours of employee 007.")

    week = [
        {"user_id": "007", "date": "2017-05-11", "project": "StoreZero", "hours": 5, "entry_id": "w19:1"},
        {"user_id": "008", "date": "2017-05-11", "project": "StoreZero", "hours": 26, "entry_id": "w19:2"},
        {"user_id": "009", "date": "2017-05-12", "project": "Intranet", "hours": 4, "entry_id": "w19:3"},
    ]
    stranger.paste(json.dumps(week))
    stranger.see("2 entries would be stored. Nothing is stored yet.")
    stranger.press("Upload 2 entries")
    stranger.see("2 entries were stored, 1 was rejected.")

    stranger.follow("Entries")
    stranger.see("Only current")
    assert [name.text for name in stranger.driver.find_elements(By.CSS_SELECTOR, ".person bdi")] == [
        "009",
        "007",
        "007",
    ]
    stranger.fill("project", "Intranet")
    stranger.press("Find")
    stranger.reach("/timesheets?project=Intranet")
    [day, row] = stranger.read_rows()
    assert flatten(day) == "Fri, 12 May 2017 Sum: 4.00"
    assert "Intranet 4.00" in flatten(row)

    stranger.press("Sign out")
    stranger.see("stores each entry once")
    stranger.open("/timesheets")
    stranger.see("Sign in to continue")
    assert stranger.read_complaints() == []


@pytest.mark.slow
def test_a_person_signs_in_reads_and_signs_out_by_keyboard(
    stranger: Person, server: DevelopmentServer
) -> None:
    keyboard = Keyboard(stranger.driver)
    stranger.open("/sign-in?paste&next=/timesheets")
    keyboard.fill("Access token", server.get_token("reporting"))
    keyboard.activate("Sign in")
    stranger.reach("/timesheets")

    keyboard.activate("Skip to content")
    assert stranger.driver.switch_to.active_element == stranger.find("content")
    keyboard.activate("Receipts")
    stranger.reach("/uploads")
    keyboard.activate("Sign out")
    stranger.see("stores each entry once")


def test_a_person_reads_the_history_of_an_entry_and_the_receipts(
    stranger: Person, server: DevelopmentServer
) -> None:
    entry = {"user_id": "007", "date": "2017-05-10", "project": "StoreZero", "hours": 5, "entry_id": "w20:1"}
    script = "<script>document.title = 'hacked'</script>"
    upload(server, entry, {**entry, "revision": 2, "reason": script, "hours": 4.5})
    stranger.open("/sign-in?paste&next=/uploads")
    stranger.fill("token", server.get_token())
    stranger.press("Sign in")

    stranger.see("Receipts")
    stranger.driver.find_elements(By.CSS_SELECTOR, "tbody a")[0].click()
    stranger.see("Stored entries")
    first, second = stranger.read_rows()[-2:]
    assert "1 superseded" in flatten(first)
    assert "2 current" in flatten(second)

    stranger.driver.find_element(By.CSS_SELECTOR, ".entries .off a").click()
    stranger.see("Superseded by revision 2.")
    newest, oldest = stranger.read_rows()
    assert "2 current 007 Wed, 10 May 2017 StoreZero 4.50 was 5.00" in flatten(newest)
    assert script in newest
    assert flatten(oldest).startswith("1 superseded 007")
    # Bold and said in words, so that nobody depends on a color.
    [changed] = stranger.driver.find_elements(By.CSS_SELECTOR, "tbody td.number strong")
    assert (changed.text, int(changed.value_of_css_property("font-weight")) >= 700) == ("4.50", True)

    stranger.follow("revision 2")
    stranger.see("Revision\n2 current")
    stranger.follow("Receipts")
    stranger.reach("/uploads")
    stranger.fill("label", "week19.csv")
    stranger.press("Find")
    stranger.see("No receipts match.")
    stranger.reach("/uploads?label=week19.csv")
    assert "hacked" not in stranger.driver.title
    assert stranger.read_complaints() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "script",
    [
        pytest.param("", id="clipboard"),
        # As in a browser on plain HTTP.
        pytest.param("Object.defineProperty(navigator, 'clipboard', {value: undefined})", id="no clipboard"),
    ],
)
def test_a_person_copies_an_identifier_by_keyboard(stranger: Person, script: str) -> None:
    keyboard = Keyboard(stranger.driver)
    stranger.open("/docs")
    stranger.driver.execute_script(script)

    keyboard.activate("Copy audience")

    stranger.hear("Copied audience")
    assert stranger.driver.switch_to.active_element.accessible_name == "Copy audience"
    stranger.open("/sign-in?paste")
    stranger.find("token").send_keys(Keys.CONTROL, "v")
    assert stranger.find("token").get_property("value") == "https://timesheets.example.com"


def test_after_a_refused_token_its_field_has_the_focus(stranger: Person) -> None:
    stranger.open("/sign-in?paste")
    stranger.fill("token", "no token")
    stranger.press("Sign in")
    stranger.find("token-error")

    assert stranger.driver.switch_to.active_element == stranger.find("token")


def flatten(text: str) -> str:
    return " ".join(text.split())
