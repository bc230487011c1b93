"""The admin: what people find and export, what they cannot change, and where it does not exist."""

import csv
import io
import json
import re
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

from tests.kit.browsers import open_browser
from tests.kit.processes import PRODUCTION_VARIABLES, run_python
from tests.kit.servers import GranianServer

LIST = "/admin/timesheets/timesheet/"
PASSWORD = "a-long-password-of-tests"
FORMULA = '=HYPERLINK("https://stranger.example","pay")'
CLIENTS = [(1, "https://issuer.example/", "payroll"), (2, "https://issuer.example/", "contractors")]
COLUMNS = ("client_id", "entry_id", "user_id", "date", "project", "hours", "received_at", "subject")
ROWS = [
    (1, "a-1", "007", "2017-05-10 17:40:20.095000", "StoreZero", 5, "2017-05-11 08:00:00", "payroll@clients"),
    # In Berlin, the server's time zone, this is midnight of May 12.
    (1, "a-2", "008", "2017-05-11 22:00:00", "Store Söne", 7.5, "2017-05-12 08:00:00", None),
    (2, None, "007", "2019-01-31 12:00:00", FORMULA, 1, "2019-02-01 08:00:00", "auth0|1"),
    (2, "-b-4", "@009", "2019-03-01 12:00:00", "+1", 24, "2019-03-02 08:00:00", "auth0|1"),
]
USERS = f"""
from django.contrib.auth.models import Permission, User
User.objects.create_superuser("boss", password="{PASSWORD}")
clerk = User.objects.create_user("clerk", password="{PASSWORD}", is_staff=True)
clerk.user_permissions.set(Permission.objects.filter(codename="view_timesheet"))
User.objects.create_user("newcomer", password="{PASSWORD}", is_staff=True)
User.objects.create_user("guest", password="{PASSWORD}")
"""


class Visitor:
    """A person who is signed in, with a browser that runs no scripts."""

    def __init__(
        self, server: GranianServer, name: str, password: str = PASSWORD, address: str = "127.0.0.1"
    ) -> None:
        self._url = server.url
        self._session = requests.Session()
        # As a proxy adds it.
        self._session.headers["X-Forwarded-For"] = address
        self.get("/admin/login/")
        self.welcome = self.post("/admin/login/?next=/admin/", username=name, password=password)

    def get(self, path: str) -> requests.Response:
        return self._session.get(f"{self._url}{path}", timeout=30)

    def post(self, path: str, **fields: object) -> requests.Response:
        form = {**fields, "csrfmiddlewaretoken": self._session.cookies["csrftoken"]}
        return self._session.post(f"{self._url}{path}", form, timeout=30)

    def post_entry(self, **headers: str) -> requests.Response:
        """Send an upload with the browser's cookies."""
        headers = {"X-CSRFToken": self._session.cookies["csrftoken"], **headers}
        return self._session.post(f"{self._url}/timesheets/upload", json={}, headers=headers, timeout=30)

    def list_ids(self, query: str = "") -> list[int]:
        """Return the ids on a page of the list, in order."""
        return [
            int(found) for found in re.findall(rf'href="{LIST}(\d+)/change/', self.get(LIST + query).text)
        ]

    def find_link(self, title: str, query: str = "") -> str:
        """Return the query of a link on the list."""
        [link] = re.findall(rf'href="(\?[^"]*)"[^>]*>\s*{title}\s*<', self.get(LIST + query).text)
        return unescape(link)

    def list_periods(self, query: str = "") -> list[str]:
        """Return the links of the date hierarchy."""
        [block] = re.findall(r'<nav class="toplinks".*?</nav>', self.get(LIST + query).text, re.DOTALL)
        return [unescape(title) for title in re.findall(r"<a [^>]*>([^<]*)</a>", block)]

    def export(self, query: str = "", **fields: object) -> requests.Response:
        return self.post(LIST + query, action="export_as_csv", **fields)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[GranianServer]:
    server = open_server(folder, ROWS)
    yield server
    server.close()


@pytest.fixture(scope="module")
def boss(server: GranianServer) -> Visitor:
    return Visitor(server, "boss")


def open_server(folder: Path, rows: Iterable[tuple[Any, ...]]) -> GranianServer:
    server = GranianServer(folder, "http://127.0.0.1:1/", settings="tests.settings_admin", workers=1)
    run_with_admin(folder, USERS)
    with closing(sqlite3.connect(folder / "db.sqlite3")) as database, database:
        database.executemany(
            "INSERT INTO timesheets_client (id, issuer, client_id) VALUES (?, ?, ?)", CLIENTS
        )
        add_rows(database, rows)
    return server


def use_up(folder: Path, name: str, count: int) -> None:
    """Let there be as many failed attempts as are allowed."""
    run_with_admin(
        folder,
        "from timesheets.storage.rate_limits import Kind, Rate, use\n"
        f"for _ in range({count}): use(Kind.ADMIN_SIGN_IN, {name}, Rate(count={count}, seconds=900))",
    )


def count_attempts(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "db.sqlite3")) as database:
        return int(database.execute("SELECT sum(count) FROM timesheets_usage").fetchone()[0])


def add_rows(database: sqlite3.Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    database.executemany(
        f"INSERT INTO timesheets_timesheet ({', '.join(COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        rows,
    )


def run_with_admin(folder: Path, code: str) -> str:
    """Run `code` with the server's database and settings, and return its output."""
    result = run_python(
        "-c",
        f"import django; django.setup()\n{code}",
        DJANGO_SETTINGS_MODULE="tests.settings_admin",
        TEST_DATABASE_URL=f"sqlite:///{folder / 'db.sqlite3'}",
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def read_table(folder: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "db.sqlite3")) as database:
        return list(database.execute(f"SELECT {', '.join(COLUMNS)} FROM timesheets_timesheet ORDER BY id"))  # noqa: S608


def read_csv(response: requests.Response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))


# Sign-in and permissions


@pytest.mark.parametrize("name", ["nobody", "guest"])
def test_only_staff_can_sign_in(server: GranianServer, name: str) -> None:
    response = Visitor(server, name).get(LIST)

    assert response.status_code == 200
    assert response.url.endswith(f"/admin/login/?next={LIST}")
    assert "StoreZero" not in response.text


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("boss", "wrong-password", id="wrong-password"),
        pytest.param("nobody", PASSWORD, id="no-such-user"),
        pytest.param("guest", PASSWORD, id="not-staff"),
    ],
)
def test_a_failed_sign_in_is_logged_without_its_input(
    server: GranianServer, name: str, password: str
) -> None:
    response = Visitor(server, name, password).welcome

    [line, _] = map(json.loads, server.wait_for_log(response.headers["X-Request-ID"], 2))
    assert (line["level"], line["logger"]) == ("WARNING", "timesheets.admin.sign_in")
    assert line["message"] == 'outcome=refused reason=admin_sign_in address="127.0.0.1"'
    assert password not in server.read_log()


TOO_MANY = "Too many failed attempts from your address. Try again in 15 minutes."
WRONG = "Please enter the correct username and password"


def test_guesses_at_the_same_time_are_all_counted(server: GranianServer) -> None:
    def guess(number: int) -> str:
        return Visitor(server, "boss", f"guess-{number}", address="203.0.113.6").welcome.text

    with ThreadPoolExecutor(8) as executor:
        pages = list(executor.map(guess, range(14)))

    assert [sum(text in page for page in pages) for text in (WRONG, TOO_MANY)] == [10, 4]


def test_too_many_guesses_stop_even_the_right_password(server: GranianServer, folder: Path) -> None:
    use_up(folder, '("203.0.113.7", "boss")', 10)

    refused = Visitor(server, "boss", address="198.51.100.1, 203.0.113.7").welcome

    assert TOO_MANY in refused.text
    assert "sessionid" not in refused.cookies
    lines = server.wait_for_log(refused.headers["X-Request-ID"], 2)
    reason = 'outcome=refused reason=admin_sign_in_limit address="203.0.113.7"'
    assert reason in [json.loads(line)["message"] for line in lines]
    # Others at the same address, and the same person elsewhere, are not locked out.
    assert Visitor(server, "clerk", address="203.0.113.7").list_ids() == [4, 3, 2, 1]
    assert Visitor(server, "boss", address="203.0.113.8").list_ids() == [4, 3, 2, 1]


def test_a_refused_attempt_does_not_count(server: GranianServer, folder: Path) -> None:
    use_up(folder, '("203.0.113.12", "boss")', 10)
    counted = count_attempts(folder)

    assert TOO_MANY in Visitor(server, "boss", address="203.0.113.12").welcome.text
    assert count_attempts(folder) == counted


def test_too_many_guesses_of_names_stop_the_whole_address(server: GranianServer, folder: Path) -> None:
    use_up(folder, '("2001:db8::/64",)', 50)

    assert TOO_MANY in Visitor(server, "boss", address="2001:db8::9").welcome.text
    assert Visitor(server, "boss", address="2001:db8:0:1::9").list_ids() == [4, 3, 2, 1]


def test_a_sign_in_that_succeeds_does_not_count(server: GranianServer, folder: Path) -> None:
    use_up(folder, '("203.0.113.10", "boss")', 9)

    for _ in range(2):
        assert Visitor(server, "boss", address="203.0.113.10").list_ids() == [4, 3, 2, 1]


def test_an_operator_can_unlock_everybody(server: GranianServer, folder: Path) -> None:
    use_up(folder, '("203.0.113.11", "boss")', 10)

    printed = run_with_admin(folder, "django.core.management.call_command('unlock_admin')")

    assert printed == "Everybody can try to sign in to the admin again.\n"
    assert Visitor(server, "boss", address="203.0.113.11").list_ids() == [4, 3, 2, 1]


def test_staff_without_permission_see_no_timesheets(server: GranianServer) -> None:
    newcomer = Visitor(server, "newcomer")

    assert newcomer.get("/admin/").status_code == 200
    assert newcomer.get(LIST).status_code == 403
    assert newcomer.get(f"{LIST}1/change/").status_code == 403
    assert newcomer.export(select_across=1, _selected_action=1).status_code == 403


def test_staff_with_view_permission_see_timesheets(server: GranianServer) -> None:
    clerk = Visitor(server, "clerk")

    assert clerk.list_ids() == [4, 3, 2, 1]
    assert "payroll@clients" in clerk.get(f"{LIST}1/change/").text
    assert len(read_csv(clerk.export(_selected_action=1))) == 2


def test_the_address_without_a_slash_redirects_to_the_admin(boss: Visitor) -> None:
    assert boss.get("/admin").url.endswith("/admin/")


# Read-only


@pytest.mark.parametrize("model", ["timesheet", "client"])
@pytest.mark.parametrize("page", ["add/", "1/change/", "1/delete/"])
def test_not_even_a_superuser_can_change_anything(boss: Visitor, folder: Path, model: str, page: str) -> None:
    before = read_table(folder)

    response = boss.post(f"/admin/timesheets/{model}/{page}", user_id="666", client_id="666", post="yes")

    assert response.status_code == 403
    assert read_table(folder) == before


def test_the_list_cannot_delete(boss: Visitor, folder: Path) -> None:
    response = boss.post(LIST, action="delete_selected", _selected_action=1, post="yes")

    assert "No action selected" in response.text
    assert read_table(folder) == [*ROWS]


def test_a_timesheet_has_no_input_fields(boss: Visitor) -> None:
    page = boss.get(f"{LIST}1/change/").text

    assert "StoreZero" in page
    assert "10 May 2017, 19:40" in page
    assert 'name="user_id"' not in page
    assert 'name="_save"' not in page


# Finding


def test_the_list_starts_with_the_latest_entry(boss: Visitor) -> None:
    assert boss.list_ids() == [4, 3, 2, 1]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param("007", [3, 1], id="user"),
        pytest.param("00", [], id="part-of-a-user"),
        pytest.param("a-2", [2], id="entry_id"),
        pytest.param("a-", [], id="part-of-an-entry_id"),
        pytest.param("Store", [2, 1], id="start-of-a-project"),
        pytest.param("Zero", [], id="end-of-a-project"),
        pytest.param("Store 007", [1], id="two-words-must-both-match"),
        pytest.param('"Store S"', [2], id="quoted-words"),
    ],
)
def test_a_search_finds_users_entries_and_projects(boss: Visitor, words: str, found: list[int]) -> None:
    assert boss.list_ids(f"?{urlencode({'q': words})}") == found


def test_the_list_can_be_filtered_by_client(boss: Visitor) -> None:
    assert boss.list_ids(boss.find_link("payroll of https://issuer.example/")) == [2, 1]
    assert boss.list_ids(boss.find_link("contractors of https://issuer.example/")) == [4, 3]


def test_a_client_links_to_its_timesheets(boss: Visitor) -> None:
    page = boss.get("/admin/timesheets/client/?q=contractors").text

    [link] = re.findall(rf'href="{LIST}([^"]+)"', page)
    assert boss.list_ids(link) == [4, 3]


def test_the_list_can_be_filtered_by_time_of_receipt(boss: Visitor, folder: Path) -> None:
    received_at = str(datetime.now(UTC).replace(tzinfo=None))
    with closing(sqlite3.connect(folder / "db.sqlite3")) as database:
        with database:
            add_rows(database, [(1, "now", "007", "2018-01-01 00:00:00", "StoreZero", 5, received_at, None)])
        found = boss.list_ids(boss.find_link("Past 7 days"))
        with database:
            database.execute("DELETE FROM timesheets_timesheet WHERE entry_id = 'now'")

    assert len(found) == 1
    assert boss.list_ids(boss.find_link("Past 7 days")) == []


def test_the_date_hierarchy_goes_from_years_to_months_to_days(boss: Visitor) -> None:
    # 2018 has no entries, but the range of years includes it.
    assert boss.list_periods() == ["2017", "2018", "2019"]
    year = boss.find_link("2019")
    assert boss.list_periods(year) == ["‹ All dates", "January 2019", "February 2019", "March 2019"]
    month = boss.find_link("January 2019", year)
    assert boss.list_periods(month) == ["‹ 2019", "January 31"]
    day = boss.find_link("January 31", month)
    assert boss.list_periods(day) == ["‹ January 2019"]

    assert [boss.list_ids(query) for query in (year, month, day)] == [[4, 3], [3], [3]]


def test_days_are_those_of_the_apis_time_zone(boss: Visitor) -> None:
    assert boss.list_periods("?date__year=2017&date__month=5") == ["‹ 2017", "May 10", "May 11", "May 12"]
    assert boss.list_ids("?date__year=2017&date__month=5&date__day=11") == []
    assert boss.list_ids("?date__year=2017&date__month=5&date__day=12") == [2]
    page = boss.get(f"{LIST}?q=008").text
    assert "Dates and times are those of Europe/Berlin" in page
    assert "12 May 2017</td>" in page


def test_the_date_hierarchy_covers_only_the_search_results(boss: Visitor) -> None:
    assert boss.list_periods("?q=008") == ["‹ 2017", "May 12"]
    assert boss.list_periods("?q=nothing") == []


# Filters and totals


def filter_by(**fields: str) -> str:
    return f"?{urlencode(fields)}"


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        pytest.param({"user_id": "007"}, [3, 1], id="employee"),
        pytest.param({"user_id": "00"}, [], id="part-of-an-employee"),
        pytest.param({"first_day": "2017-05-12"}, [4, 3, 2], id="from-its-first-day"),
        pytest.param({"first_day": "2017-05-13"}, [4, 3], id="from-the-day-after"),
        pytest.param({"last_day": "2017-05-12"}, [2, 1], id="to-its-last-day"),
        pytest.param({"last_day": "2017-05-11"}, [1], id="to-the-day-before"),
        pytest.param({"last_day": "2999-12-31"}, [4, 3, 2, 1], id="to-the-end"),
        pytest.param({"user_id": "007", "last_day": "2017-12-31"}, [1], id="employee-and-day"),
        pytest.param({"user_id": "", "first_day": "", "last_day": ""}, [4, 3, 2, 1], id="empty-form"),
        pytest.param({"user_id": "007", "client__id__exact": "2"}, [3], id="employee-and-client"),
    ],
)
def test_the_list_can_be_filtered_by_employee_and_days(
    boss: Visitor, fields: dict[str, str], found: list[int]
) -> None:
    assert boss.list_ids(filter_by(**fields)) == found


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"first_day": "yesterday"}, "Enter a valid date.", id="not-a-day"),
        pytest.param({"first_day": "0001-01-01"}, "greater than or equal to 1900-01-01", id="too-early"),
        pytest.param({"last_day": "9999-12-31"}, "less than or equal to 2999-12-31", id="too-late"),
        pytest.param(
            {"first_day": "2019-01-02", "last_day": "2019-01-01"}, "The last day is before", id="wrong-order"
        ),
        pytest.param({"user_id": "a\0b"}, "Null characters are not allowed.", id="null-character"),
    ],
)
def test_a_filter_with_an_error_says_so_and_lists_nothing(
    boss: Visitor, fields: dict[str, str], message: str
) -> None:
    assert message in boss.get(LIST + filter_by(**fields)).text
    assert boss.list_ids(filter_by(**fields)) == []
    assert len(read_csv(boss.export(filter_by(**fields), select_across=1, _selected_action=0))) == 1


def test_an_unknown_state_lists_nothing(boss: Visitor) -> None:
    assert boss.list_ids("?state=wrong") == []


def test_the_filters_form_keeps_the_other_filters_and_shows_its_values(boss: Visitor) -> None:
    script = '"><script>'
    page = boss.get(LIST + filter_by(user_id=script, q="Store", date__year="2017")).text

    [form] = re.findall(r'<details data-filter-title="employee and date".*?</details>', page, re.DOTALL)
    hidden = re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', form)
    assert sorted(hidden) == [("date__year", "2017"), ("q", "Store")]
    assert 'value="&quot;&gt;&lt;script&gt;"' in form
    assert script not in page


def test_lists_have_readable_labels(boss: Visitor, auditor: Visitor) -> None:
    assert read_labels(boss.get(LIST).text) == [
        "ID",
        "Employee",
        "Date",
        "Hours",
        "Project",
        "Revision",
        "Client",
        "Received",
        "Entry id",
    ]
    assert read_labels(auditor.get(UPLOADS).text) == [
        "ID",
        "Label",
        "Client",
        "Received",
        "Sent",
        "Stored",
        "Already stored",
        "Rejected",
        "Hours created",
    ]


@pytest.mark.parametrize(
    ("query", "totals"),
    [
        pytest.param("", ["37.50", "4", "3"], id="everything"),
        pytest.param("?user_id=007", ["6.00", "2", "1"], id="employee"),
        pytest.param("?first_day=2019-01-31&last_day=2019-03-01", ["25.00", "2", "2"], id="days"),
        pytest.param("?q=nothing", ["0.00", "0", "0"], id="nothing"),
    ],
)
def test_the_list_adds_up_what_is_filtered(boss: Visitor, query: str, totals: list[str]) -> None:
    assert read_totals(boss.get(LIST + query).text) == totals


def test_totals_are_those_of_all_pages(tmp_path: Path) -> None:
    row = (1, None, "007", "2017-05-10 17:40:20", "StoreZero", 7.25, "2017-05-11 08:00:00", None)
    server = open_server(tmp_path, [row] * 201)
    page = Visitor(server, "boss").get(f"{LIST}?p=2").text
    server.close()

    assert read_totals(page) == ["1,457.25", "201", "1"]


@pytest.mark.parametrize(
    ("query", "found", "totals"),
    [
        pytest.param("", [5, 4, 3, 2, 1], ["10.00", "2", "1"], id="all"),
        pytest.param("?state=current", [5, 2], ["10.00", "2", "1"], id="current"),
        pytest.param("?state=superseded", [3, 1], ["0.00", "0", "0"], id="superseded"),
        pytest.param("?state=withdrawn", [4], ["0.00", "0", "0"], id="withdrawn"),
        pytest.param("?q=Secret", [2], ["5.00", "1", "1"], id="one-client"),
    ],
)
def test_superseded_and_withdrawn_entries_can_be_left_out_and_never_count(
    auditor: Visitor, query: str, found: list[int], totals: list[str]
) -> None:
    assert auditor.list_ids(query) == found
    assert read_totals(auditor.get(LIST + query).text) == totals


def test_one_button_downloads_all_that_is_filtered(boss: Visitor) -> None:
    page = boss.get(f"{LIST}?user_id=007").text

    [form] = re.findall(r'<div class="totals">.*?<form method="post">(.*?)</form>', page, re.DOTALL)
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', form))
    _, *rows = read_csv(boss.post(f"{LIST}?user_id=007", **fields))
    assert "Download all as CSV" in form
    assert [row[0] for row in rows] == ["3", "1"]


def test_a_list_without_entries_has_no_download(boss: Visitor) -> None:
    assert "Download all as CSV" not in boss.get(f"{LIST}?q=nothing").text


# Exporting


def test_the_export_contains_the_selected_entries(boss: Visitor) -> None:
    response = boss.export(_selected_action=[1, 2])

    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="timesheets.csv"'
    [latest, earliest] = csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline=""))
    assert latest == {
        "id": "2",
        "client": "payroll",
        "user_id": "008",
        "date": "2017-05-12T00:00:00+02:00",
        "project": "Store Söne",
        "hours": "7.50",
        "entry_id": "a-2",
        "received_at": "2017-05-12T10:00:00+02:00",
        "issuer": "https://issuer.example/",
        "subject": "",
        "revision": "1",
        "reason": "",
        "superseded_by": "",
        "upload": "",
    }
    assert (earliest["id"], earliest["date"]) == ("1", "2017-05-10T19:40:20.095000+02:00")
    assert earliest["subject"] == "payroll@clients"


def test_excel_reads_the_export_as_utf_8(boss: Visitor) -> None:
    content = boss.export(_selected_action=2).content

    assert content.startswith(b"\xef\xbb\xbfid,client,")
    assert content.count(b"\r\n") == content.count(b"\n") == 2


def test_the_export_contains_no_formula(boss: Visitor) -> None:
    _, *rows = read_csv(boss.export(_selected_action=[3, 4]))

    users, projects, entry_ids = ([row[column] for row in rows] for column in (2, 4, 6))
    assert users == ["'@009", "007"]
    assert projects == ["'+1", f"'{FORMULA}"]
    assert entry_ids == ["'-b-4", ""]


def test_an_export_of_all_contains_all_search_results(boss: Visitor) -> None:
    _, *rows = read_csv(boss.export("?q=007", select_across=1, _selected_action=3))

    assert [row[0] for row in rows] == ["3", "1"]


CROWD = 100_001


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GranianServer]:
    """A server with more entries than are added up."""
    day = datetime(2017, 1, 1)  # noqa: DTZ001  SQLite stores it like this.
    rows = (
        (1, f"{number:032}", "007", str(day + timedelta(minutes=number)), "StoreZero", 5, str(day), None)
        for number in range(CROWD)
    )
    server = open_server(tmp_path_factory.mktemp("crowded"), rows)
    yield server
    server.close()


def test_an_export_of_many_pages_is_complete_and_uses_little_memory(crowded: GranianServer) -> None:
    boss = Visitor(crowded, "boss")
    boss.export(_selected_action=1)
    before = crowded.read_peak_memory()

    response = boss.export(select_across=1, _selected_action=1)

    growth = crowded.read_peak_memory() - before
    ids = [row[0] for row in read_csv(response)[1:]]
    assert ids == [str(number) for number in range(CROWD, 0, -1)]
    # The file has 13 MB. Its rows as Python objects would be many times larger.
    assert len(response.content) > 10_000_000
    assert growth < 8 * 1024 * 1024


def test_more_than_a_hundred_thousand_entries_are_not_added_up(crowded: GranianServer) -> None:
    boss = Visitor(crowded, "boss")

    everything, one_fewer = boss.get(LIST).text, boss.get(f"{LIST}?id__gte=2").text

    assert "More than 100,000 entries." in everything
    assert read_totals(everything) == []
    assert read_totals(one_fewer) == ["500,000.00", "100,000", "1"]


# Corrections and uploads


# Hours 5, then 4, then 0, with one client. Another client has an entry with the same `entry_id`.
DELIVERIES = """
from datetime import UTC, datetime
from decimal import Decimal
from timesheets.storage.entries import Entry
from timesheets.storage.ingest import ingest_upload
from timesheets.storage.receipts import Delivery
from timesheets.trust.principals import MachineClient
date = datetime(2017, 5, 10, 22, tzinfo=UTC)
def deliver(client_id, label, **members):
    content = {"user_id": "007", "date": date, "project": "StoreZero", "hours": Decimal(5), "entry_id": "a-1"}
    entries = [Entry(**{**content, **members})]
    client = MachineClient(issuer="https://issuer.example/", client_id=client_id, subject="auth0|1")
    delivery = Delivery(
        label=label, token_id=None, request_id="5fd4", media_type="text/csv", byte_count=81234,
        sha256="9f86" * 16, received=1, hours_received=entries[0].hours,
    )
    ingest_upload(client, entries, date, delivery)
deliver("payroll", "week19.csv")
deliver("contractors", "week19.csv", project="Secret")
deliver("payroll", "week19-again.csv", hours=Decimal(4), revision=2, reason="<script>alert(1)</script>")
deliver("payroll", None, hours=Decimal(0), revision=3, reason="=1+1")
deliver("payroll", "nothing.csv", hours=Decimal(0), revision=3, reason="=1+1")
deliver("payroll", "keyless.csv", entry_id=None)
"""
UPLOADS = "/admin/timesheets/upload/"


@pytest.fixture(scope="module")
def auditor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """A superuser of a server with corrected entries and with uploads."""
    folder = tmp_path_factory.mktemp("corrected")
    server = GranianServer(folder, "http://127.0.0.1:1/", settings="tests.settings_admin", workers=1)
    run_with_admin(folder, USERS + DELIVERIES)
    yield Visitor(server, "boss")
    server.close()


def read_cells(page: str, name: str) -> list[str]:
    """The texts of a column of a list."""
    return [unescape(text) for text in re.findall(rf'class="field-{name}[^"]*">(.*?)</td>', page)]


def read_labels(page: str) -> list[str]:
    """The labels of a list's columns."""
    [head] = re.findall(r'<table id="result_list">.*?</thead>', page, re.DOTALL)
    return re.findall(r'<div class="text"><span>([^<]+)</span>', head)


def read_totals(page: str) -> list[str]:
    """Hours, current entries and employees, as the list adds them up."""
    return re.findall(r"<dd>([^<]*)</dd>", page)


def read_history(page: str) -> list[str]:
    """The text of each revision in the history of an entry."""
    [table] = re.findall(r'<table class="entries">.*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    return [" ".join(unescape(re.sub("<[^>]*>", " ", row)).split()) for row in rows]


def test_the_list_marks_corrected_and_withdrawn_entries(auditor: Visitor) -> None:
    page = auditor.get(LIST).text

    assert read_cells(page, "marked_revision") == ["1", "3, withdrawn", "2, superseded", "1", "1, superseded"]


def test_an_entrys_page_shows_its_revision_its_upload_and_its_history(auditor: Visitor) -> None:
    page = auditor.get(f"{LIST}3/change/").text

    date = "Thu, 11 May 2017"
    origin = "11 May 2017, 00:00 by auth0|1 in upload"
    assert read_history(page) == [
        f"3 withdrawn 007 {date} StoreZero 0.00 was 4.00 =1+1 {origin} 4",
        f"2 superseded 007 {date} StoreZero 4.00 was 5.00 <script>alert(1)</script> {origin} 3",
        f"1 superseded 007 {date} StoreZero 5.00 {origin} 1",
    ]
    assert "<script>alert" not in page
    assert "Secret" not in page
    assert f'href="{LIST}1/change/"' in page
    assert page.count(f'href="{UPLOADS}3/change/') == 2


def test_the_page_of_an_entry_without_entry_id_says_that_nothing_can_correct_it(auditor: Visitor) -> None:
    assert "can never be corrected" in auditor.get(f"{LIST}5/change/").text


def test_the_export_contains_revisions_uploads_and_no_formula(auditor: Visitor) -> None:
    header, *rows = read_csv(auditor.export(select_across=1, _selected_action=1))

    assert header[-4:] == ["revision", "reason", "superseded_by", "upload"]
    assert [row[-4:] for row in rows] == [
        ["1", "", "", "6"],
        ["3", "'=1+1", "", "4"],
        ["2", "<script>alert(1)</script>", "4", "3"],
        ["1", "", "", "2"],
        ["1", "", "3", "1"],
    ]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param("", [6, 5, 4, 3, 2, 1], id="all"),
        pytest.param("week19", [3, 2, 1], id="beginning"),
        pytest.param("week19.csv", [2, 1], id="label"),
        pytest.param("again", [], id="end"),
    ],
)
def test_a_search_finds_uploads_by_their_label(auditor: Visitor, words: str, found: list[int]) -> None:
    page = auditor.get(f"{UPLOADS}?{urlencode({'q': words})}").text

    assert [int(upload) for upload in re.findall(rf'href="{UPLOADS}(\d+)/change/', page)] == found


@pytest.mark.parametrize("page", ["", "{upload}/change/"])
@pytest.mark.parametrize(("upload", "created"), [(1, [1]), (2, [2]), (3, [3]), (5, None), (6, [5])])
def test_an_upload_links_to_what_it_created(
    auditor: Visitor, page: str, upload: int, created: list[int] | None
) -> None:
    text = unescape(auditor.get(UPLOADS + page.format(upload=upload)).text)

    links = re.findall(rf'href="{LIST}(\?upload__id__exact={upload}&[^"]*)"', text)

    assert [auditor.list_ids(link) for link in links] == ([created] if created else [])


@pytest.mark.parametrize("page", ["add/", "1/change/", "1/delete/"])
def test_nobody_can_change_an_upload(auditor: Visitor, page: str) -> None:
    response = auditor.post(f"{UPLOADS}{page}", label="other.csv", post="yes")

    assert response.status_code == 403
    assert "week19.csv" in auditor.get(f"{UPLOADS}1/change/").text


def test_staff_see_uploads_only_with_the_permission(server: GranianServer) -> None:
    assert Visitor(server, "clerk").get(UPLOADS).status_code == 403


# Queries


PRINT_QUERIES = """
import json
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
boss = Client()
boss.force_login(User.objects.get(username="boss"))
pages = []
for path in {}:
    with CaptureQueriesContext(connection) as queries:
        assert boss.get(path).status_code == 200
    pages.append([query["sql"] for query in queries if "timesheets_" in query["sql"]])
print(json.dumps(pages))
"""


def list_queries(folder: Path, *paths: str) -> list[list[str]]:
    """The statements of each page that use our tables."""
    return list(json.loads(run_with_admin(folder, PRINT_QUERIES.format(paths))))


def test_the_list_reads_the_clients_a_summary_one_page_by_its_ids_and_totals(tmp_path: Path) -> None:
    row = (1, None, "007", "2017-05-10 17:40:20", "StoreZero", 5, "2017-05-11 08:00:00", None)
    open_server(tmp_path, [row] * 300).close()

    [[clients, summary, ids, page, totals]] = list_queries(tmp_path, f"{LIST}?p=2")

    assert clients.startswith('SELECT "timesheets_client"."id"')
    assert summary.startswith("SELECT COUNT(*)")
    assert ids.endswith('ORDER BY "timesheets_timesheet"."id" DESC LIMIT 100 OFFSET 100')
    # Later revisions are searched only for the entries of the page.
    assert ["revision" in statement for statement in (summary, ids, page)] == [False, False, True]
    # And in the totals, in which superseded entries do not count.
    assert totals.startswith("SELECT SUM(")
    assert page.count(", ") > 100
    assert "OFFSET" not in page


def test_the_number_of_statements_does_not_grow_with_uploads_or_revisions(tmp_path: Path) -> None:
    open_server(tmp_path, ()).close()
    run_with_admin(tmp_path, DELIVERIES)
    paths = (UPLOADS, f"{UPLOADS}1/change/", f"{LIST}1/change/")
    before = list_queries(tmp_path, *paths)
    run_with_admin(
        tmp_path,
        f"{DELIVERIES}\nfor revision in range(4, 250): "
        'deliver("payroll", "more.csv", revision=revision, reason="Again", hours=Decimal(revision % 7))',
    )

    after = list_queries(tmp_path, *paths)

    assert [len(more) <= len(few) for more, few in zip(after, before, strict=True)] == [True, True, True]


# The API


def test_a_superusers_session_does_not_authenticate_to_the_api(boss: Visitor) -> None:
    response = boss.post_entry()

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


def test_a_superusers_session_does_not_replace_a_bad_token(boss: Visitor) -> None:
    response = boss.post_entry(Authorization="Bearer eyJhbGciOiJSUzI1NiJ9.e30.AAAA")

    assert (response.status_code, response.json()["code"]) == (401, "invalid_token")


# Where it exists


PRINT_SITE = """
from django.apps import apps
from django.conf import settings
from django.urls import Resolver404, resolve
try:
    print(resolve("/admin/").view_name)
except Resolver404:
    print("not found")
print(*sorted(app.label for app in apps.get_app_configs() if app.name.startswith("django.")))
print(*(name for name in settings.MIDDLEWARE if "auth" in name or "messages" in name))
"""


def run_in_production(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run_python(*arguments, **{**PRODUCTION_VARIABLES, **variables})


@pytest.mark.parametrize("value", [None, "false"])
def test_production_has_no_admin_and_no_accounts(value: str | None) -> None:
    variables = {"TIMESHEETS_ADMIN": value} if value else {}

    result = run_in_production("-c", f"import django; django.setup()\n{PRINT_SITE}", **variables)

    assert result.stdout.splitlines() == ["not found", "sessions staticfiles", ""], result.stderr


def test_production_has_the_admin_if_it_is_enabled() -> None:
    result = run_in_production("-c", f"import django; django.setup()\n{PRINT_SITE}", TIMESHEETS_ADMIN="true")

    address, labels, middleware = result.stdout.splitlines()
    assert address == "admin:index", result.stderr
    assert labels == "admin auth contenttypes messages sessions staticfiles"
    assert re.findall(r"\w+Middleware", middleware) == ["AuthenticationMiddleware", "MessageMiddleware"]


def test_production_with_the_admin_passes_the_deploy_check() -> None:
    result = run_in_production(
        "-m", "django", "check", "--deploy", "--fail-level", "WARNING", TIMESHEETS_ADMIN="true"
    )

    assert result.returncode == 0, result.stderr


def test_weak_passwords_are_refused() -> None:
    code = (
        "import django; django.setup()\n"
        "from django.contrib.auth.password_validation import validate_password\n"
        "validate_password('password')"
    )

    result = run_in_production("-c", code, TIMESHEETS_ADMIN="true")

    assert "This password is too common." in result.stderr


def test_development_has_the_admin() -> None:
    result = run_python(
        "-c",
        f"import django; django.setup()\n{PRINT_SITE}",
        DJANGO_SETTINGS_MODULE="timesheets_site.settings",
    )

    assert result.stdout.startswith("admin:index\nadmin auth "), result.stderr


# In a browser


@pytest.mark.browser
def test_its_pages_work_under_the_content_security_policy(server: GranianServer, tmp_path: Path) -> None:
    paths = ["/admin/", LIST, f"{LIST}1/change/", UPLOADS, "/admin/auth/user/add/", "/admin/auth/group/add/"]
    with open_browser(tmp_path) as browser:
        sign_in(browser, server)

        for path in paths:
            browser.get(f"{server.url}{path}")
        browser.get(f"{server.url}{LIST}")
        browser.find_element(By.ID, "action-toggle").click()

        # A script updates the counter.
        assert browser.find_element(By.CLASS_NAME, "action-counter").text == "4 of 4 selected"
        assert (
            browser.find_element(By.ID, "header").value_of_css_property("background-color")
            != "rgba(0, 0, 0, 0)"
        )
        problems = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        assert [problem for problem in problems if "/favicon.ico" not in problem] == []


def sign_in(browser: webdriver.Chrome, server: GranianServer) -> None:
    browser.get(f"{server.url}/admin/")
    browser.find_element(By.NAME, "username").send_keys("boss")
    browser.find_element(By.NAME, "password").send_keys(PASSWORD)
    browser.find_element(By.CSS_SELECTOR, "[type=submit]").click()
    WebDriverWait(browser, 10).until(expected_conditions.presence_of_element_located((By.ID, "user-tools")))
