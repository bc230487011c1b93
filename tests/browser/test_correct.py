"""A person corrects and withdraws an entry on its page, and overwrites nobody's correction unknowingly."""

import pytest
from selenium.webdriver.common.by import By

from tests.browser.conftest import upload, use_session
from tests.kit.browsers import Keyboard
from tests.kit.person import Person
from tests.kit.servers import DevelopmentServer

pytestmark = pytest.mark.browser

ENTRY = {"user_id": "007", "date": "2017-05-10T17:40:20Z", "project": "StoreZero", "hours": 5}


def open_form(person: Person, server: DevelopmentServer, entry_id: str) -> int:
    [verdict] = upload(server, {**ENTRY, "entry_id": entry_id}).json()["entries"]
    person.open(f"/timesheets/{verdict['id']}")
    Keyboard(person.driver).activate("Correct or withdraw this entry")
    return int(verdict["id"])


@pytest.mark.slow
def test_an_entry_is_corrected_and_withdrawn_by_keyboard(person: Person, server: DevelopmentServer) -> None:
    first = open_form(person, server, "keys")
    keyboard = Keyboard(person.driver)
    keyboard.activate("Correct entry")
    person.see("Nothing has changed yet.")
    keyboard.fill("Hours", "26")
    keyboard.activate("Correct entry")
    person.see("less than or equal to 24")
    person.see("This field may not be blank.")
    assert person.driver.switch_to.active_element == person.find("hours")

    keyboard.fill("Hours", "4.5")
    keyboard.fill("Why?", "Left early")
    keyboard.activate("Correct entry")
    person.reach(f"/timesheets/{first + 1}#stored")
    person.see("Revision 2 is stored.")
    assert person.driver.switch_to.active_element == person.find("stored")
    # The time of day is as it was.
    assert person.driver.find_elements(By.CSS_SELECTOR, "[title='2017-05-10T17:40:20Z']")
    keyboard.activate("Correct or withdraw this entry")
    keyboard.fill("Why?", "On holiday")
    keyboard.activate("Withdraw entry")

    person.reach(f"/timesheets/{first + 2}#stored")
    person.see("Withdrawn: it counts for nothing")
    person.open("/corrections")
    assert f"007 , entry {first + 2} StoreZero withdrawn 0.00" in " ".join(person.read_rows()[0].split())
    assert person.read_complaints() == []


def test_of_two_who_correct_at_once_the_second_learns_it_and_loses_nothing(
    person: Person, server: DevelopmentServer, payroll: str
) -> None:
    first = open_form(person, server, "twice")
    person.fill("project", "Intranet")
    person.choose_date("date", "2017-05-11")
    person.fill("reason", "Wrong day")
    other = {**ENTRY, "entry_id": "twice", "hours": 3, "revision": 2, "reason": "Left early"}
    assert upload(server, other).json()["created"] == 1
    person.driver.delete_cookie("sessionid")

    person.press("Correct entry")
    person.see("You are signed out. Sign in again in a new tab")
    use_session(person.driver, server, payroll)
    person.press("Correct entry")

    person.see("Somebody else has corrected this entry since this page was opened, so nothing was stored.")
    link = person.driver.find_element(By.LINK_TEXT, "revision 2")
    assert link.get_attribute("href") == f"{server.url}/timesheets/{first + 1}"
    assert person.find("project").get_attribute("value") == "Intranet"
    person.press("Correct entry")
    person.see("Revision 3 is stored.")
    assert person.read_rows()[0].split()[:6] == ["3", "current", "007", "Thu,", "11", "May"]
