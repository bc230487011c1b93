"""Take the screenshots of README.md again: python -m tests.kit.screenshots"""

import base64
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import requests
from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.kit.browsers import open_browser
from tests.kit.person import Person
from tests.kit.processes import REPOSITORY
from tests.kit.servers import DevelopmentServer

FOLDER = REPOSITORY / "docs/images"
WIDTH = 1080
MONDAY = date(2026, 6, 1)
# The hours of a week, from Monday on.
HOURS = {"StoreZero": (5, 7.5, 3, 8, 4), "Intranet": (2.5, 0, 4.5, 0, 2), "Training": (0, 0, 0, 0, 1.5)}
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
            store_weeks(server)
            with open_browser(folder, WIDTH) as driver:
                photograph(driver, server, folder)
        finally:
            server.close()


def store_weeks(server: DevelopmentServer) -> None:
    entries = [entry for week in range(12) for entry in list_entries(MONDAY - timedelta(weeks=week), week)]
    headers = {"Authorization": f"Bearer {server.get_token()}"}
    response = requests.post(f"{server.url}/timesheets/upload", json=entries, headers=headers, timeout=10)
    response.raise_for_status()


def list_entries(monday: date, week: int) -> list[dict[str, Any]]:
    """What one employee worked. No two weeks are the same."""
    return [
        {"user_id": "007", "date": str(monday + timedelta(days=day)), "project": project, "hours": hours}
        for project, days in HOURS.items()
        for day, hours in enumerate(days)
        if hours and (day + week) % 6
    ]


def photograph(driver: webdriver.Chrome, server: DevelopmentServer, folder: Path) -> None:
    person = Person(driver, server)
    person.open("/sign-in?next=/timesheets/upload")
    person.press("Sign in")
    person.press("Sign in as payroll")
    (folder / "week24.csv").write_text(FILE)
    person.find("file").send_keys(str(folder / "week24.csv"))
    person.see("less than or equal to 24")
    save(driver, "upload.png", "#upload-file")
    person.open(f"/people/week?user_id=007&day={MONDAY}")
    save(driver, "week.png", ".week")


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
