"""A person opens the API in a browser and uses its pages."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.browsers import Keyboard, open_browser
from tests.processes import DevelopmentServer

pytestmark = pytest.mark.browser

# A phone's screen and a desktop's.
WIDTHS = (390, 1280)
PAGES = ("/", "/sign-in", "/timesheets/upload", "/timesheets", "/timesheets/1", "/uploads", "/uploads/1")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevelopmentServer]:
    server = DevelopmentServer(tmp_path_factory.mktemp("server"))
    yield server
    server.close()


class Person:
    """Reads pages and uses their controls."""

    def __init__(self, driver: webdriver.Chrome, server: DevelopmentServer) -> None:
        self.driver = driver
        # The next page may load slowly.
        driver.implicitly_wait(5)
        self.url = server.url

    def open(self, path: str) -> None:
        self.driver.get(f"{self.url}{path}")

    def follow(self, text: str) -> None:
        self.driver.find_element(By.LINK_TEXT, text).click()

    def press(self, text: str) -> None:
        self.driver.find_element(By.XPATH, f"//button[normalize-space()='{text}']").click()

    def fill(self, field: str, text: str) -> None:
        self.find(field).clear()
        self.find(field).send_keys(text)

    def choose_date(self, field: str, date: str) -> None:
        """Set the value directly: the calendar widget depends on the browser's language."""
        self.driver.execute_script("arguments[0].value = arguments[1]", self.find(field), date)

    def find(self, element_id: str) -> WebElement:
        return self.driver.find_element(By.ID, element_id)

    def see(self, text: str) -> None:
        """Wait until `text` is on the page."""
        waiting = WebDriverWait(self.driver, 10, ignored_exceptions=[StaleElementReferenceException])
        waiting.until(lambda _: text in self.read(), f"{text!r} is not on the page")

    def reach(self, path: str) -> None:
        """Wait until the browser is at `path`."""
        WebDriverWait(self.driver, 10).until(lambda driver: driver.current_url == f"{self.url}{path}")

    def read(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "body").text

    def read_rows(self) -> list[str]:
        return [row.text for row in self.driver.find_elements(By.CSS_SELECTOR, "tbody tr")]

    def read_complaints(self) -> list[str]:
        """Return the browser's console messages, except those about error statuses."""
        messages = [entry["message"] for entry in self.driver.get_log("browser")]
        return [text for text in messages if "the server responded with a status of" not in text]


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
    person.see("Created timesheet 1 for employee 007")

    week = [
        {"user_id": "007", "date": "2017-05-11", "project": "StoreZero", "hours": 5, "entry_id": "w19:1"},
        {"user_id": "008", "date": "2017-05-11", "project": "StoreZero", "hours": 26, "entry_id": "w19:2"},
        {"user_id": "009", "date": "2017-05-12", "project": "Intranet", "hours": 4, "entry_id": "w19:3"},
    ]
    person.fill("entries", json.dumps(week))
    person.press("Upload entries")
    person.see("3 received: 2 created, 0 already there, 1 rejected.")
    first, second, third = person.read_rows()
    assert "201 created" in first
    assert "422 invalid entry" in second
    assert "hours: Ensure this value is less than or equal to 24." in second
    assert "201 created" in third

    person.follow("Entries")
    person.see("Received")
    assert [row.split()[1] for row in person.read_rows()] == ["007", "007", "009"]
    person.fill("project", "Intranet")
    person.press("Find")
    person.reach("/timesheets?project=Intranet")
    [row] = person.read_rows()
    assert "009 2017-05-12T00:00:00Z Intranet 4 w19:3" in row

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


def test_a_person_corrects_an_entry_and_reads_its_history_and_the_receipts(person: Person) -> None:
    person.open("/sign-in")
    person.press("Sign in as payroll")
    entry = {"user_id": "007", "date": "2017-05-10", "project": "StoreZero", "hours": 5, "entry_id": "w20:1"}
    script = "<script>document.title = 'hacked'</script>"
    person.fill("entries", json.dumps([entry, {**entry, "revision": 2, "reason": script, "hours": 4.5}]))
    person.press("Upload entries")
    person.see("2 received: 2 created")

    person.follow("View receipt")
    person.see("Created entries")
    first, second = person.read_rows()[-2:]
    assert "w20:1 revision 1 superseded" in flatten(first)
    assert "w20:1 revision 2 current" in flatten(second)

    person.driver.find_elements(By.CSS_SELECTOR, ".entries tbody a")[0].click()
    person.see("Superseded by revision 2.")
    newest, oldest = person.read_rows()
    assert "2 current 007 2017-05-10T00:00:00Z StoreZero 4.5 was 5" in flatten(newest)
    assert script in newest
    assert flatten(oldest).startswith("1 superseded 007")
    # Bold and said in words, so that nobody depends on a color.
    [changed] = person.driver.find_elements(By.CSS_SELECTOR, "tbody td.number strong")
    assert (changed.text, int(changed.value_of_css_property("font-weight")) >= 700) == ("4.5", True)

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


def flatten(text: str) -> str:
    return " ".join(text.split())


def test_a_person_sees_only_current_entries(person: Person) -> None:
    person.open("/sign-in")
    person.press("Sign in as payroll")
    entry = {"user_id": "021", "date": "2017-05-10", "project": "StoreZero", "hours": 5, "entry_id": "w21:1"}
    withdrawal = {**entry, "revision": 2, "reason": "On holiday", "hours": 0}
    person.fill("entries", json.dumps([entry, withdrawal, {**entry, "entry_id": "w21:2"}]))
    person.press("Upload entries")
    person.see("3 received: 3 created")

    person.open("/timesheets?user_id=021")
    assert [flatten(row).split("w21:")[1].split(" 20")[0] for row in person.read_rows()] == [
        "1 revision 1 superseded",
        "2",
        "1 revision 2 withdrawn",
    ]
    person.driver.find_element(By.NAME, "current").click()
    person.press("Find")

    person.reach("/timesheets?user_id=021&current=true")
    [row] = person.read_rows()
    assert "w21:2" in row
    assert person.driver.find_element(By.NAME, "current").is_selected()


def test_a_refused_correction_says_why(person: Person) -> None:
    person.open("/sign-in")
    person.press("Sign in as payroll")
    entry = {"user_id": "007", "date": "2017-05-10", "project": "StoreZero", "hours": 5, "entry_id": "w22:1"}
    person.fill("entries", json.dumps([entry, {**entry, "revision": 3, "reason": "Wrong"}]))

    person.press("Upload entries")

    person.see("2 received: 1 created, 0 already there, 1 rejected.")
    assert "409 a revision is missing" in person.read_rows()[1]
    assert "revision 2 comes next" in person.read_rows()[1]


def test_uploading_the_same_array_twice_stores_it_once(person: Person) -> None:
    person.open("/sign-in")
    person.press("Sign in as payroll")
    entry = {"user_id": "007", "date": "2017-06-01", "project": "StoreZero", "hours": 5, "entry_id": "again"}
    person.fill("entries", json.dumps([entry]))
    person.press("Upload entries")
    person.see("1 received: 1 created")

    person.press("Upload entries")

    person.see("1 received: 0 created, 1 already there")


def test_an_error_is_shown_next_to_its_field(person: Person) -> None:
    person.open("/sign-in")
    person.press("Sign in as payroll")
    person.fill("user_id", "007")
    person.choose_date("date", "2017-05-10")
    person.fill("project", "StoreZero")
    person.fill("hours", "25")

    person.press("Upload entry")

    person.see("Ensure this value is less than or equal to 24.")
    assert "24" in person.find("hours-error").text
    assert person.find("hours").get_attribute("aria-invalid") == "true"
    assert person.driver.switch_to.active_element == person.find("hours")
    assert person.find("project").get_attribute("aria-invalid") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "Paste entries here.", id="nothing"),
        pytest.param("[{", "The body is not JSON", id="a cut array"),
        pytest.param("5", "neither a JSON object nor an array", id="neither"),
    ],
)
def test_an_error_about_pasted_entries_is_shown_next_to_them(person: Person, text: str, message: str) -> None:
    person.open("/sign-in")
    person.press("Sign in as payroll")
    person.fill("entries", text)

    person.press("Upload entries")

    person.see(message)
    assert message in person.find("entries-error").text


def test_a_dry_run_of_pasted_csv_stores_nothing(person: Person) -> None:
    person.open("/sign-in")
    person.press("Sign in as payroll")
    person.driver.find_element(By.XPATH, "//option[starts-with(., 'CSV')]").click()
    person.fill("entries", "user_id,date,project,hours,entry_id\n007,2017-05-10,Dry,4,dry-1\n")
    person.driver.find_element(By.NAME, "dry_run").click()

    person.press("Upload entries")

    person.see("1 received: 1 created, 0 already there, 0 rejected. Nothing was stored.")


def test_a_person_without_the_upload_scope_sees_which_scope_is_missing(person: Person) -> None:
    person.open("/sign-in?next=/timesheets/upload")

    person.press("Sign in as reporting")

    person.see("The access token does not grant the required scope: batch:upload.")
    person.see("From a program")


@pytest.mark.parametrize("is_dark", [pytest.param(False, id="light"), pytest.param(True, id="dark")])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_fits_the_screen(
    tmp_path: Path, server: DevelopmentServer, width: int, is_dark: bool
) -> None:
    widths = {}

    with open_browser(tmp_path, width, is_dark=is_dark) as driver:
        person = Person(driver, server)
        for client in ("", "payroll"):
            if client:
                person.open("/sign-in")
                person.press(f"Sign in as {client}")
            for path in PAGES:
                person.open(path)
                widths[path, client] = driver.execute_script("return document.documentElement.scrollWidth")

    assert {page: found for page, found in widths.items() if found > width} == {}
