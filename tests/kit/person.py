"""A person who reads the pages of the API in a browser and uses their controls."""

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.kit.servers import DevelopmentServer


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

    def paste(self, text: str) -> None:
        """Preview pasted entries on the upload page."""
        self.driver.find_element(By.XPATH, "//summary[.='Paste text instead']").click()
        self.fill("entries", text)
        self.press("Preview entries")

    def find(self, element_id: str) -> WebElement:
        return self.driver.find_element(By.ID, element_id)

    def see(self, text: str) -> None:
        """Wait until `text` is on the page."""
        # Chromium has several errors for an element of a page that is just being replaced.
        waiting = WebDriverWait(self.driver, 10, ignored_exceptions=[WebDriverException])
        waiting.until(lambda _: text in self.read(), f"{text!r} is not on the page")

    def hear(self, text: str) -> None:
        """Wait until a screen reader says `text`."""
        announcement = self.find("announcement")
        waiting = WebDriverWait(self.driver, 10)
        waiting.until(
            lambda _: announcement.get_property("textContent") == text, f"{text!r} is not announced"
        )

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
