"""Take the screenshots of README.md again: python -m tests.kit.screenshots"""

import base64
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.kit.browsers import open_browser
from tests.kit.person import Person
from tests.kit.processes import REPOSITORY
from tests.kit.servers import DevelopmentServer

FOLDER = REPOSITORY / "docs/images"
WIDTH = 1080
FILE = """\
user_id,date,project,hours,entry_id
007,2026-06-08,StoreZero,5,week24-1
007,2026-06-09,StoreZero,7.5,week24-2
008,2026-06-08,Intranet,26,week24-3
008,2026-06-09,,8,week24-4
009,2026-06-09,Training,6.25,week24-5
"""


def take_screenshots() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = DevelopmentServer(folder)
        try:
            server.manage("example_data")
            with open_browser(folder, WIDTH) as driver:
                photograph(driver, server, folder)
        finally:
            server.close()


def photograph(driver: webdriver.Chrome, server: DevelopmentServer, folder: Path) -> None:
    person = Person(driver, server)
    person.open("/sign-in?next=/timesheets/upload")
    person.press("Sign in")
    person.press("Sign in as payroll")
    (folder / "week24.csv").write_text(FILE)
    person.find("file").send_keys(str(folder / "week24.csv"))
    person.see("less than or equal to 24")
    save(driver, "upload.png", "#upload-file")
    person.open(f"/people/week?user_id=201&day={datetime.now(UTC).date() - timedelta(days=7)}")
    save(driver, "week.png", ".table")


def save(driver: webdriver.Chrome, name: str, last: str) -> None:
    """Save the page, from its top to the end of the element `last`."""
    script = "return arguments[0].getBoundingClientRect().bottom + scrollY"
    height = driver.execute_script(script, driver.find_element(By.CSS_SELECTOR, last))
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": height + 24, "scale": 1}
    options = {"clip": clip, "captureBeyondViewport": True}
    picture = driver.execute_cdp_cmd("Page.captureScreenshot", options)
    (FOLDER / name).write_bytes(base64.b64decode(picture["data"]))


if __name__ == "__main__":
    take_screenshots()
