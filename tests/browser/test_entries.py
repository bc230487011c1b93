"""A person finds entries, reads them in the own time zone and downloads them."""

from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

from tests.browser.conftest import upload
from tests.kit.browsers import Keyboard, set_screen
from tests.kit.person import Person
from tests.kit.servers import DevelopmentServer

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# More than a page shows.
MANY = 60


@pytest.fixture(scope="module")
def entries(server: DevelopmentServer) -> None:
    upload(server, *(build_entry("007", f"2017-03-{day % 28 + 1:02}", f"m:{day}") for day in range(MANY)))
    timed = build_entry("008", "2017-05-10T08:30:00+02:00", "w19:2")
    upload(
        server,
        build_entry("007", "2017-05-10", "w19:1"),
        timed,
        {**timed, "revision": 2, "reason": "Left early", "hours": 4},
        build_entry("009, Jr.", "2017-05-11", "w19:3"),
        build_entry("l" * 64, "2017-05-12", "e" * 128, project="p" * 128),
    )


def build_entry(user_id: str, when: str, entry_id: str, **members: Any) -> dict[str, Any]:
    entry = {"user_id": user_id, "date": when, "project": "StoreZero", "hours": 7.5, "entry_id": entry_id}
    return {**entry, **members}


@pytest.fixture
def reader(entries: None, person: Person) -> Iterator[Person]:
    yield person
    assert person.read_complaints() == []


def read_people(person: Person) -> list[str]:
    """Who worked, in the order of the rows."""
    return [cell.text for cell in person.driver.find_elements(By.CSS_SELECTOR, "td.person bdi")]


def test_a_person_finds_the_entries_of_several_people_by_keyboard(reader: Person) -> None:
    keyboard = Keyboard(reader.driver)
    reader.open("/timesheets")

    keyboard.fill("Employee", "008")
    keyboard.activate("Add another employee")
    # The new field has the focus. A comma is part of a value.
    keyboard.press("009, Jr.")
    keyboard.activate("Find")

    reader.reach("/timesheets?user_id=008&user_id=009%2C+Jr.")
    assert read_people(reader) == ["009, Jr.", "008", "008"]
    reader.see("11.50 hours in 2 current entries. 1 superseded or withdrawn entry does not count.")
    fields = reader.driver.find_elements(By.NAME, "user_id")
    assert [field.get_attribute("value") for field in fields] == ["008", "009, Jr."]


def test_the_last_day_of_a_period_is_part_of_it(reader: Person) -> None:
    reader.open("/timesheets")
    reader.choose_date("date_from", "2017-05-10")
    reader.choose_date("last_day", "2017-05-11")
    reader.press("Find")

    reader.reach("/timesheets?date_from=2017-05-10&date_to=2017-05-12")
    assert read_people(reader) == ["009, Jr.", "008", "008", "007"]
    reader.see("To 11 May 2017")
    assert reader.find("last_day").get_attribute("value") == "2017-05-11"


def test_a_period_keeps_what_was_typed_and_replaces_the_dates(reader: Person) -> None:
    reader.open(
        "/timesheets?date_from=2017-05-10T06%3A00%3A00Z&date_to=2017-05-11T06%3A00%3A00Z&current=true"
    )
    period = reader.driver.find_element(By.XPATH, "//button[.='Last week']")
    first, end = str(period.get_attribute("value")).split("/")
    reader.fill("user_id", "007")
    period.click()

    reader.reach(f"/timesheets?user_id=007&date_from={first}&date_to={end}&current=true")
    assert reader.find("user_id").get_attribute("value") == "007"
    assert reader.driver.find_element(By.CSS_SELECTOR, "[name=period][aria-current]").text == "Last week"


def test_on_a_phone_the_filters_are_behind_a_button_and_a_row_is_a_link(reader: Person) -> None:
    set_screen(reader.driver, 390, is_dark=False)
    reader.open("/timesheets?date_from=2017-05-12")
    # The day and one row, with the longest names.
    height = "return document.querySelector('.brief tbody').offsetHeight"
    assert reader.driver.execute_script(height) < 130

    assert not reader.find("user_id").is_displayed()
    Keyboard(reader.driver).activate("Filters")
    assert reader.find("user_id").is_displayed()
    reader.fill("user_id", "008")
    reader.press("Find")
    reader.see("No entries match these filters.")
    reader.driver.back()
    hours = reader.driver.find_element(By.CSS_SELECTOR, ".brief td.number")
    ActionChains(reader.driver).click(hours).perform()
    reader.see("History")


def test_paper_has_no_controls_and_the_head_of_the_table(reader: Person) -> None:
    set_screen(reader.driver, 700, is_dark=False)
    reader.open("/timesheets?user_id=007&date_from=2017-03-01")
    reader.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        controls = reader.driver.find_elements(By.CSS_SELECTOR, "header, form, button, .button")
        assert [control.text for control in controls if control.is_displayed()] == []
        head = reader.driver.find_element(By.TAG_NAME, "thead")
        assert head.value_of_css_property("display") == "table-header-group"
        assert "Employee 007" in reader.driver.title
    finally:
        reader.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_in_forced_colors_only_the_current_page_has_a_line(reader: Person) -> None:
    reader.open("/timesheets")
    features = [{"name": "forced-colors", "value": "active"}]
    reader.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    links = reader.driver.find_elements(By.CSS_SELECTOR, "header nav a")
    lines = {link.text: link.value_of_css_property("border-bottom-color") for link in links}
    assert [text for text, line in lines.items() if line != lines["Upload"]] == ["Entries"]


@pytest.mark.parametrize("path", ["/timesheets", f"/people/week?user_id={'l' * 64}&week=2017-W19"])
def test_the_longest_names_fit_on_a_phone(reader: Person, path: str) -> None:
    set_screen(reader.driver, 390, is_dark=False)
    reader.open(path)

    assert reader.driver.execute_script("return document.documentElement.scrollWidth") == 390


def test_an_address_with_times_survives_the_form(reader: Person) -> None:
    query = "date_from=2017-05-10T06%3A00%3A00Z&date_to=2017-05-10T08%3A00%3A00%2B01%3A00"
    reader.open(f"/timesheets?{query}&as_of={MANY + 4}")

    reader.driver.find_element(By.NAME, "current").click()
    reader.press("Find")

    reader.reach(f"/timesheets?{query}&current=true&as_of={MANY + 4}")
    assert read_people(reader) == ["008"]


def test_the_next_page_and_the_way_back_keep_the_filters(reader: Person) -> None:
    reader.open("/timesheets?user_id=007")
    assert len(read_people(reader)) == 50

    reader.follow("Next page")
    reader.see("Newest entries")
    assert len(read_people(reader)) == 11
    assert set(read_people(reader)) == {"007"}
    assert reader.find("user_id").get_attribute("value") == "007"

    reader.follow("Previous page")
    reader.reach("/timesheets?user_id=007")
    assert not reader.driver.find_elements(By.LINK_TEXT, "Previous page")
    reader.follow("Next page")
    reader.see("Previous page")
    reader.follow("Newest entries")
    reader.see("Next page")
    assert len(read_people(reader)) == 50
    assert set(read_people(reader)) == {"007"}


def test_a_time_of_day_is_the_readers_and_a_day_is_nobodys(reader: Person) -> None:
    reader.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "America/New_York"})
    try:
        reader.open("/timesheets?date_from=2017-05-10&date_to=2017-05-11")
        heads = [head.text for head in reader.driver.find_elements(By.CSS_SELECTOR, "tr.group")]
        times = [cell.text for cell in reader.driver.find_elements(By.CSS_SELECTOR, "td.time")]
    finally:
        reader.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})

    # In New York, midnight in Berlin is in the evening of May 9, and 08:30 is in the night.
    assert [" ".join(head.split()) for head in heads] == ["Wed, 10 May 2017 Sum: 11.50"]
    assert times == ["02:30", "02:30", ""]
