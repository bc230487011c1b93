"""A person reads a report on a phone, with the keyboard alone."""

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.conftest import upload
from tests.kit.browsers import Keyboard, set_screen
from tests.kit.person import Person
from tests.kit.servers import DevelopmentServer

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def make_entry(user_id: str, project: str, hours: float) -> dict[str, object]:
    return {"user_id": user_id, "date": "2026-11-16", "project": project, "hours": hours}


def test_a_report_on_a_phone_is_followed_from_projects_to_entries(
    person: Person, server: DevelopmentServer
) -> None:
    names = [make_entry("l" * 64, f"{number} {'long' * 30}", 1) for number in range(8)]
    upload(server, *names, make_entry("007", "StoreZero", 7.5), make_entry("008", "StoreZero", 4))
    set_screen(person.driver, 390, is_dark=False)
    keyboard = Keyboard(person.driver)

    def fits() -> bool:
        return bool(person.driver.execute_script("return document.documentElement.scrollWidth <= 390"))

    person.open("/totals?by=project&date_from=2026-11-16&date_to=2026-11-17")
    assert fits()
    keyboard.activate("StoreZero")
    person.see("007")
    assert person.read_rows() == ["007\n1 65 % 7.50", "008\n1 35 % 4.00"]
    keyboard.activate("Change report")
    keyboard.fill("Hours by", "Employee, p")
    keyboard.fill_date("To", "2026-11-30")
    keyboard.press(Keys.ENTER)
    period = "date_from=2026-11-16&date_to=2026-12-01"
    person.reach(f"/totals?by=user_id%2Cproject&project=StoreZero&{period}")
    person.see("Total")
    keyboard.activate("7.50")
    person.reach(f"/timesheets?current=true&project=StoreZero&{period}&user_id=007")
    person.open(f"/totals?by=user_id,project&{period}")
    person.see("Total")
    assert fits()
    assert person.read_complaints() == []
