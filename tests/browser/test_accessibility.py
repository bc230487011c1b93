"""axe-core finds nothing wrong on any page."""

from collections.abc import Callable
from itertools import product

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.browser.conftest import sign_in, upload, use_session
from tests.kit.axe import find_violations
from tests.kit.servers import DevelopmentServer

pytestmark = [pytest.mark.browser, pytest.mark.node, pytest.mark.slow]

Browse = Callable[[str, str], None]

WEEK = [
    {"user_id": "007", "date": "2017-05-10", "project": "StoreZero", "hours": 5, "entry_id": "w19:1"},
    {"user_id": "008", "date": "2017-05-11", "project": "Intranet", "hours": 7.5, "entry_id": "w19:2"},
    {"user_id": "009", "date": "2017-05-11", "project": "Intranet", "hours": 26, "entry_id": "w19:3"},
    {"user_id": "l" * 64, "date": "2017-05-12", "project": "p" * 128, "hours": 3, "entry_id": "e" * 128},
    *(
        {"user_id": "010", "date": "2017-05-12", "project": f"P{number} {'long ' * 20}", "hours": 3}
        for number in range(8)
    ),
]
LAST = len(WEEK)
CORRECTION = {**WEEK[0], "hours": 4, "revision": 2, "reason": "Left early"}

# A visitor sees on the last two that they need a token.
PUBLIC_PAGES = ["/", "/sign-in", "/sign-in?paste", "/sign-in/callback", "/timesheets/upload", "/timesheets"]
PAGES = [
    *PUBLIC_PAGES,
    "/timesheets?project=Nothing",
    "/timesheets?page_size=1",
    "/timesheets?date_from=yesterday",
    # An entry that was corrected, its newest revision, and none.
    "/timesheets/1",
    f"/timesheets/{LAST}",
    "/timesheets/999",
    "/uploads",
    "/uploads?label=nothing",
    "/uploads/1",
    "/corrections",
    "/totals?by=project&date_from=2017-05-01",
    "/totals?by=user_id,project&date_from=2017-05-01&date_to=2017-06-01",
    "/totals?by=week&project=Nothing",
    "/people/week",
    "/people/week?user_id=007&week=2017-W19",
    "/people/week?user_id=010&week=2017-W19",
]
# Of everybody: somebody is missing, and clients have no list.
REPORTING_PAGES = ["/", "/clients", "/people/week?week=2017-W19", "/runs", "/runs/may", "/runs/may/lines"]
ADMIN_PAGES = [
    "/admin/",
    "/admin/timesheets/timesheet/",
    "/admin/timesheets/timesheet/?q=007",
    "/admin/timesheets/timesheet/1/change/",
    "/admin/timesheets/upload/",
    "/admin/timesheets/upload/1/change/",
]
ADMIN = {"username": "admin", "password": "development-only"}


@pytest.fixture(scope="module")
def entries(server: DevelopmentServer) -> None:
    assert [entry.get("id") for entry in upload(server, *WEEK).json()["entries"]][:4] == [1, 2, None, 3]
    assert upload(server, CORRECTION).json()["entries"][0]["id"] == LAST


@pytest.fixture(scope="module")
def sessions(
    entries: None, server: DevelopmentServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The session of each visitor who signs in."""
    tmp_path = tmp_path_factory.mktemp("policies")
    server.manage(
        "createsuperuser",
        "--noinput",
        "--username=admin",
        "--email=",
        DJANGO_SUPERUSER_PASSWORD="development-only",
    )
    list_of_agency, holds = tmp_path / "list.csv", tmp_path / "holds.csv"
    list_of_agency.write_text("user_id,hours_per_week\n007,40\n")
    holds.write_text("client,user_id,reason\npayroll,008,contract not signed\n")
    server.manage("assignments", "set", "agency", str(list_of_agency))
    server.manage("payroll", "may", "--through", "2017-05-31", "--hold", str(holds))
    payroll, reporting = (
        sign_in(f"{server.url}/sign-in", token=server.get_token(name)) for name in ("payroll", "reporting")
    )
    admin = sign_in(f"{server.url}/admin/login/", **ADMIN)
    return {"payroll": payroll, "reporting": reporting, "admin": admin}


@pytest.fixture
def browse(driver: webdriver.Chrome, server: DevelopmentServer, sessions: dict[str, str]) -> Browse:
    """Open a page in the browser of a visitor."""

    # The next page may load slowly.
    driver.implicitly_wait(10)

    def open_page(visitor: str, path: str) -> None:
        if visitor in sessions:
            use_session(driver, server, sessions[visitor])
        driver.get(f"{server.url}{path}")

    return open_page


@pytest.mark.parametrize(
    ("visitor", "path"),
    [
        *product(("nobody",), PUBLIC_PAGES),
        *product(("payroll",), PAGES),
        *product(("reporting",), REPORTING_PAGES),
        *product(("admin",), ADMIN_PAGES),
    ],
)
def test_axe_core_finds_nothing(driver: webdriver.Chrome, browse: Browse, visitor: str, path: str) -> None:
    browse(visitor, path)
    driver.execute_script("for (const each of document.querySelectorAll('details')) each.open = true")

    violations = find_violations(driver)

    assert not violations, "\n".join(violations)


def press(driver: webdriver.Chrome, *selectors: str) -> None:
    for selector in selectors:
        driver.find_element(By.CSS_SELECTOR, selector).click()


def send_no_token(driver: webdriver.Chrome) -> None:
    driver.find_element(By.ID, "token").send_keys("no token")
    press(driver, "#token ~ button")
    driver.find_element(By.ID, "token-error")


def post_to_the_landing_page(driver: webdriver.Chrome) -> None:
    """Get an error that no view of DRF writes. In development, that of an unknown address is Django's."""
    driver.execute_script("document.forms[0].action = '/'; document.forms[0].submit()")
    driver.find_element(By.XPATH, "//h1[.='Method Not Allowed']")


def sign_in_as_manager(driver: webdriver.Chrome) -> None:
    press(driver, "main button", "button[value=manager]", ".notice.wrong")


def see_the_issuers_page(driver: webdriver.Chrome) -> None:
    press(driver, "main button")
    driver.find_element(By.CSS_SELECTOR, "button[value=manager]")


def use_the_docs(driver: webdriver.Chrome) -> None:
    """Let the documentation page send a request, without a token, and show the schemas."""
    operation = "#operations-Timesheets-uploadTimesheets .opblock-summary-control"
    press(driver, operation, ".try-out__btn", ".execute")
    driver.find_element(By.CSS_SELECTOR, ".live-responses-table")
    press(driver, ".models-control", ".models .json-schema-2020-12-expand-deep-button")


def authorize(driver: webdriver.Chrome) -> None:
    press(driver, ".btn.authorize")
    driver.find_element(By.CSS_SELECTOR, ".modal-ux")


@pytest.mark.parametrize(
    ("path", "do"),
    [
        pytest.param("/sign-in?paste", send_no_token, id="refused-token"),
        pytest.param("/sign-in", see_the_issuers_page, id="issuer"),
        pytest.param("/sign-in", post_to_the_landing_page, id="problem"),
        pytest.param("/sign-in?next=/timesheets/upload", sign_in_as_manager, id="forbidden"),
        pytest.param("/docs", use_the_docs, id="docs"),
        pytest.param("/docs", authorize, id="docs-authorizations"),
    ],
)
def test_axe_core_finds_nothing_after(
    driver: webdriver.Chrome, browse: Browse, path: str, do: Callable[[webdriver.Chrome], None]
) -> None:
    browse("nobody", path)
    do(driver)

    violations = find_violations(driver)

    assert not violations, "\n".join(violations)


def test_axe_core_finds_nothing_on_a_preview_and_a_result(driver: webdriver.Chrome, browse: Browse) -> None:
    browse("payroll", "/timesheets/upload")
    press(driver, ".choosing details:last-of-type summary")
    rows = "user_id,date,project,hours,entry_id\n007,2017-05-12,StoreZero,5,w19:4\n008,2017-05-12,X,26,\n"
    driver.find_element(By.ID, "entries").send_keys(rows)

    violations = []
    for button, heading in (("#preview-text", ".findings h3"), (".store", ".outcome h3")):
        press(driver, button)
        driver.find_element(By.CSS_SELECTOR, heading)
        violations += find_violations(driver)

    assert not violations, "\n".join(violations)
