"""A person finds entries, reads them in the own time zone and downloads them."""

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import requests
from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.kit.browsers import Keyboard, open_browser, set_screen
from tests.kit.person import Person
from tests.kit.servers import DevelopmentServer

pytestmark = pytest.mark.browser

ZONE = "Europe/Berlin"
# More than a page shows.
MANY = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevelopmentServer]:
    server = DevelopmentServer(tmp_path_factory.mktemp("server"), TIMESHEETS_TIME_ZONE=ZONE)
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
    yield server
    server.close()


def build_entry(user_id: str, when: str, entry_id: str, **members: Any) -> dict[str, Any]:
    entry = {"user_id": user_id, "date": when, "project": "StoreZero", "hours": 7.5, "entry_id": entry_id}
    return {**entry, **members}


def upload(server: DevelopmentServer, *entries: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {server.get_token()}"}
    response = requests.post(f"{server.url}/timesheets/upload", json=entries, headers=headers, timeout=30)
    assert response.json()["created"] == len(entries)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory, server: DevelopmentServer) -> Iterator[webdriver.Chrome]:
    """A browser that is signed in."""
    with open_browser(tmp_path_factory.mktemp("browser")) as driver:
        person = Person(driver, server)
        person.open("/sign-in?next=/timesheets")
        person.press("Sign in as payroll")
        person.see("Only current")
        yield driver


@pytest.fixture
def person(driver: webdriver.Chrome, server: DevelopmentServer) -> Iterator[Person]:
    person = Person(driver, server)
    person.read_complaints()
    yield person
    assert person.read_complaints() == []


def read_people(person: Person) -> list[str]:
    """Who worked, in the order of the rows."""
    return [cell.text for cell in person.driver.find_elements(By.CSS_SELECTOR, "td.person")]


def test_a_person_finds_the_entries_of_several_people_by_keyboard(person: Person) -> None:
    keyboard = Keyboard(person.driver)
    person.open("/timesheets")

    keyboard.fill("Employee", "008")
    keyboard.activate("Add another employee")
    # The new field has the focus. A comma is part of a value.
    keyboard.press("009, Jr.")
    keyboard.activate("Find")

    person.reach("/timesheets?user_id=008&user_id=009%2C+Jr.")
    assert read_people(person) == ["009, Jr.", "008", "008"]
    person.see("11.50 hours in 2 current entries. 1 superseded or withdrawn entry does not count.")
    fields = person.driver.find_elements(By.NAME, "user_id")
    assert [field.get_attribute("value") for field in fields] == ["008", "009, Jr."]


def test_the_last_day_of_a_period_is_part_of_it(person: Person) -> None:
    person.open("/timesheets")
    person.choose_date("date_from", "2017-05-10")
    person.choose_date("last_day", "2017-05-11")
    person.press("Find")

    person.reach("/timesheets?date_from=2017-05-10&date_to=2017-05-12")
    assert read_people(person) == ["009, Jr.", "008", "008", "007"]
    person.see("To 11 May 2017")
    assert person.find("last_day").get_attribute("value") == "2017-05-11"


def test_an_address_with_times_survives_the_form(person: Person) -> None:
    query = "date_from=2017-05-10T06%3A00%3A00Z&date_to=2017-05-10T08%3A00%3A00%2B01%3A00"
    person.open(f"/timesheets?{query}&as_of={MANY + 4}")

    person.driver.find_element(By.NAME, "current").click()
    person.press("Find")

    person.reach(f"/timesheets?{query}&current=true&as_of={MANY + 4}")
    assert read_people(person) == ["008"]


def test_the_next_page_and_the_way_back_keep_the_filters(person: Person) -> None:
    person.open("/timesheets?user_id=007")
    assert len(read_people(person)) == 50

    person.follow("Next page")
    person.see("in 11 entries on this page.")
    assert set(read_people(person)) == {"007"}
    assert person.find("user_id").get_attribute("value") == "007"

    person.driver.back()
    person.reach("/timesheets?user_id=007")
    person.driver.forward()
    person.follow("Newest entries")
    person.see("in 50 entries on this page.")
    assert set(read_people(person)) == {"007"}


def test_a_link_to_a_period_keeps_the_other_filters(person: Person) -> None:
    person.open("/timesheets?user_id=007&date_from=2017-05-10")

    person.follow("Last week")

    person.see("No entries match these filters.")
    [first, last] = (person.find(field).get_attribute("value") for field in ("date_from", "last_day"))
    assert date.fromisoformat(last or "") - date.fromisoformat(first or "") == timedelta(days=6)
    assert person.find("user_id").get_attribute("value") == "007"
    assert person.driver.find_element(By.CSS_SELECTOR, "[aria-current='true'].chip").text == "Last week"


def test_a_chip_removes_its_filter(person: Person) -> None:
    person.open("/timesheets?user_id=007&user_id=008&date_from=2017-05-10")

    person.driver.find_element(By.XPATH, "//a[starts-with(., 'Employee 007')]").click()

    person.reach("/timesheets?user_id=008&date_from=2017-05-10")
    assert read_people(person) == ["008", "008"]


def test_a_time_of_day_is_the_readers_and_a_day_is_nobodys(person: Person) -> None:
    person.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "America/New_York"})
    try:
        person.open("/timesheets?date_from=2017-05-10&date_to=2017-05-11")
        heads = [head.text for head in person.driver.find_elements(By.CSS_SELECTOR, "tr.group")]
        times = [cell.text for cell in person.driver.find_elements(By.CSS_SELECTOR, "td[data-label='Time']")]
    finally:
        person.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})

    # In New York, midnight in Berlin is in the evening of May 9, and 08:30 is in the night.
    assert [" ".join(head.split()) for head in heads] == ["Wed, 10 May 2017 Sum: 11.50"]
    assert times == ["02:30", "02:30", ""]


def test_the_file_has_all_pages_of_what_the_api_has(person: Person, server: DevelopmentServer) -> None:
    person.open("/timesheets?user_id=007&user_id=008")
    address = person.driver.find_element(By.PARTIAL_LINK_TEXT, "Download CSV").get_attribute("href")
    cookies = {cookie["name"]: cookie["value"] for cookie in person.driver.get_cookies()}

    file = requests.get(address or "", cookies=cookies, timeout=30)

    headers = {"Authorization": f"Bearer {server.get_token()}"}
    query = {"user_id": ["007", "008"], "page_size": "1000"}
    answer = requests.get(f"{server.url}/timesheets", query, headers=headers, timeout=30)
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"), newline="")))
    assert len(rows) == MANY + 3
    assert [(int(row["id"]), row["user_id"], float(row["hours"]), row["entry_id"]) for row in rows] == [
        (entry["id"], entry["user_id"], entry["hours"], entry["entry_id"])
        for entry in answer.json()["results"]
    ]


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_no_column_is_cut(person: Person, width: int) -> None:
    set_screen(person.driver, width, is_dark=False)
    try:
        for path in ("/timesheets", f"/timesheets/{MANY + 3}", "/uploads", "/uploads/2"):
            person.open(path)
            script = """
                const boxes = [document.documentElement, ...document.querySelectorAll(".table")];
                return boxes.map((box) => box.scrollWidth - box.clientWidth);"""
            assert set(person.driver.execute_script(script)) == {0}, path
    finally:
        set_screen(person.driver, 1280, is_dark=False)
