"""A person reads an employee's week in a browser, with the keyboard alone, on a phone and a desktop."""

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser.conftest import upload
from tests.kit.browsers import Keyboard, set_screen
from tests.kit.person import Person
from tests.kit.servers import DevelopmentServer

pytestmark = pytest.mark.browser

ENTRIES = [
    {"user_id": "007", "date": "2026-11-16", "project": "StoreZero", "hours": 7.5, "entry_id": "a"},
    {"user_id": "007", "date": "2026-11-17", "project": "Intranet", "hours": 4, "entry_id": "b"},
    {"user_id": "007", "date": "2026-11-10", "project": "Intranet", "hours": 6, "entry_id": "c"},
    *(
        {"user_id": "008", "date": "2026-11-22", "project": f"P{number} {'long ' * 20}", "hours": 3}
        for number in range(8)
    ),
]


@pytest.fixture(scope="module")
def week(server: DevelopmentServer) -> None:
    assert upload(server, *ENTRIES).json()["created"] == len(ENTRIES)


@pytest.fixture
def reader(week: None, person: Person) -> webdriver.Chrome:
    """A browser that is signed in, where there are entries."""
    return person.driver


def read_totals(driver: webdriver.Chrome) -> str:
    return driver.find_element(By.CSS_SELECTOR, ".sums tfoot").text


def wait_for(driver: webdriver.Chrome, text: str) -> None:
    """Wait until the text is on the page, which may still be the one before."""

    def has_text(_: object) -> bool:
        return text in driver.find_element(By.TAG_NAME, "main").text

    waiting = WebDriverWait(driver, 10, ignored_exceptions=[StaleElementReferenceException])
    waiting.until(has_text, f"{text!r} is not on the page")


def test_a_week_is_found_and_left_with_the_keyboard_alone(
    reader: webdriver.Chrome, server: DevelopmentServer
) -> None:
    keyboard = Keyboard(reader)
    reader.get(f"{server.url}/people/week")

    keyboard.fill("Employee", "007")
    keyboard.fill_date("A day of the week", "2026-11-19")
    keyboard.press(Keys.ENTER)
    wait_for(reader, "Employee 007, 16 November to 22 November 2026")
    assert read_totals(reader) == "Total 7.50 4.00 0.00 0.00 0.00 0.00 0.00 11.50"

    keyboard.activate("2026-W46: 6.00 hours")
    wait_for(reader, "9 November to 15 November 2026")
    assert read_totals(reader) == "Total 0.00 6.00 0.00 0.00 0.00 0.00 0.00 6.00"

    keyboard.activate("Previous week")
    wait_for(reader, "There are none in the eleven weeks before it either.")

    keyboard.activate("Next week")
    wait_for(reader, "9 November to 15 November 2026")
    keyboard.activate("The same as a table")
    wait_for(reader, "9 Nov 2026")

    keyboard.activate("Entries of this week")
    WebDriverWait(reader, 10).until(lambda driver: "/timesheets?" in driver.current_url)
    query = "user_id=007&date_from=2026-11-09&date_to=2026-11-16&current=true"
    assert reader.current_url == f"{server.url}/timesheets?{query}"


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("user_id", ["007", "008", "nobody"])
def test_a_week_fits_the_screen_and_the_content_policy(
    reader: webdriver.Chrome, server: DevelopmentServer, width: int, user_id: str
) -> None:
    set_screen(reader, width, is_dark=False)
    reader.get_log("browser")

    reader.get(f"{server.url}/people/week?user_id={user_id}&week=2026-W47")

    assert reader.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert find_cut_text(reader) == []
    assert reader.get_log("browser") == []


def find_cut_text(driver: webdriver.Chrome) -> list[str]:
    """The texts of charts that reach beyond their chart or into the text next to them."""
    script = """
        const found = [];
        for (const chart of document.querySelectorAll(".chart")) {
          const frame = chart.getBoundingClientRect();
          const measure = (text) => [text.textContent, text.getBoundingClientRect()];
          const texts = [...chart.querySelectorAll("text")].map(measure);
          for (const [words, box] of texts) {
            if (box.left < frame.left || box.right > frame.right || box.top < frame.top) found.push(words);
            const touches = ([, other]) => other !== box && box.left < other.right && other.left < box.right
              && box.top + 3 < other.bottom && other.top + 3 < box.bottom;
            if (texts.some(touches)) found.push(words);
          }
        }
        return found;"""
    return [str(words) for words in driver.execute_script(script)]
