"""Headless Chromium with a temporary profile, and somebody who uses it without a mouse."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement


@contextmanager
def open_browser(folder: Path, width: int = 1280, *, is_dark: bool = False) -> Iterator[webdriver.Chrome]:
    """Open a browser with a window of `width` pixels and its profile in `folder`."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
        f"--user-data-dir={folder / 'profile'}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        set_screen(driver, width, is_dark=is_dark)
        yield driver
    finally:
        driver.quit()


def set_screen(driver: webdriver.Chrome, width: int, *, is_dark: bool) -> None:
    # A real window cannot be as narrow as a phone.
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


class Keyboard:
    """Uses a page with the keyboard alone. Names of controls are those that a screen reader says."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def tab_to(self, name: str) -> None:
        """Press Tab until the control with the accessible name `name` has the focus, and shows it."""
        passed: list[WebElement] = []
        while (focused := self._press_tab()).accessible_name != name:
            # A date field has several stops in a row.
            if focused not in passed[-1:]:
                names = [each.accessible_name for each in passed]
                assert focused not in passed, f"Tab does not reach {name!r}, only {names}"
                passed.append(focused)
        assert self._shows_focus(focused), f"nothing shows that {name!r} has the focus"

    def activate(self, name: str) -> None:
        """Tab to the link or button `name`, and press Enter."""
        self.tab_to(name)
        self.press(Keys.ENTER)

    def fill(self, name: str, text: str) -> None:
        """Tab to the field `name`, and replace its text. In a select, `text` is how an option starts."""
        self.tab_to(name)
        if self.driver.switch_to.active_element.tag_name != "select":
            ActionChains(self.driver).key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL).perform()
        self.press(text)

    def fill_date(self, name: str, date: str) -> None:
        """Tab to the date field `name`, and type `date` (2017-05-10) in the browser's order."""
        script = "return new Intl.DateTimeFormat(navigator.language).formatToParts().map((part) => part.type)"
        parts = dict(zip(("year", "month", "day"), date.split("-"), strict=True))
        self.tab_to(name)
        self.press("".join(parts[each] for each in self.driver.execute_script(script) if each in parts))

    def press(self, keys: str) -> None:
        """Type where the focus is, for instance `Keys.SPACE`."""
        ActionChains(self.driver).send_keys(keys).perform()

    def _press_tab(self) -> WebElement:
        self.press(Keys.TAB)
        return self.driver.switch_to.active_element

    def _shows_focus(self, element: WebElement) -> bool:
        """Whether the element is on the screen, with an outline or a shadow around it."""
        script = """
            const style = getComputedStyle(arguments[0]), box = arguments[0].getBoundingClientRect();
            const isBeside = box.right <= 0 || box.left >= innerWidth;
            const isOutside = isBeside || box.bottom <= 0 || box.top >= innerHeight;
            return !isOutside && (style.outlineStyle !== "none" || style.boxShadow !== "none");"""
        return bool(self.driver.execute_script(script, element))
