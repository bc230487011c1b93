"""A person uploads files and single entries in a browser, and nothing is stored twice."""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import requests
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.kit.browsers import Keyboard
from tests.kit.person import Person
from tests.kit.relay import Relay
from tests.kit.servers import DevelopmentServer

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGE = "/timesheets/upload"
AUDIENCE = "https://timesheets.example.com"
HEADER = "user_id,date,project,hours,entry_id\n"

# What the page sends waits until `release` is called.
HOLD_REQUESTS = """
    const {send} = XMLHttpRequest.prototype;
    window.held = [];
    XMLHttpRequest.prototype.send = function (body) { window.held.push(() => send.call(this, body)); };
    window.release = () => {
      XMLHttpRequest.prototype.send = send;
      for (const go of window.held) go();
      return window.held.length;
    };"""
DROP = """
    const [place, name, text] = arguments;
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([text], name));
    for (const type of ["dragover", "drop"]) {
      place.dispatchEvent(new DragEvent(type, {dataTransfer, bubbles: true, cancelable: true}));
    }"""


class Uploader(Person):
    """A person on the upload page."""

    def choose(self, file: Path) -> None:
        self.find("file").send_keys(str(file))

    def write(self, path: Path, content: str | bytes) -> Path:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def fill_entry(self, user: str, hours: str = "7.5", project: str = "StoreZero") -> None:
        self.fill("user_id", user)
        self.choose_date("date", "2017-05-10")
        self.fill("project", project)
        self.fill("hours", hours)

    def read_findings(self) -> list[str]:
        """Each cause with its count, and its entries, in the preview or the result."""
        shown = self.driver.find_elements(By.CSS_SELECTOR, ".cause h5, .cause tbody tr")
        return [" ".join(each.text.split()) for each in shown]


class Unlucky(Uploader):
    """A person whose connection a relay can cut."""

    def __init__(self, driver: webdriver.Chrome, server: DevelopmentServer, relay: Relay) -> None:
        super().__init__(driver, server)
        self.relay, self.url = relay, f"http://127.0.0.1:{relay.port}"

    def lose_answer(self, do: Callable[[], None], said: str) -> None:
        """Do something that sends a request whose answer is lost, as the page says then."""
        cuts, self.relay.trigger = self.relay.cuts, b"POST /timesheets/upload"
        do()
        self.see(said)
        self.relay.trigger = None
        assert self.relay.cuts > cuts


@pytest.fixture
def uploader(person: Person, server: DevelopmentServer) -> Uploader:
    uploader = Uploader(person.driver, server)
    uploader.open(PAGE)
    uploader.driver.execute_script("sessionStorage.clear()")
    return uploader


@pytest.fixture
def unlucky(uploader: Uploader, server: DevelopmentServer) -> Iterator[Unlucky]:
    with closing(Relay(server.port)) as relay:
        unlucky = Unlucky(uploader.driver, server, relay)
        unlucky.open(PAGE)
        yield unlucky


@pytest.fixture
def list_stored(server: DevelopmentServer) -> Callable[..., list[dict[str, Any]]]:
    """What the API stores of an employee."""

    def fetch(user: str) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {server.get_token()}"}
        address = f"{server.url}/timesheets"
        answer = requests.get(address, {"user_id": user}, headers=headers, timeout=10).json()
        return list(answer["results"])

    return fetch


ListStored = Callable[..., list[dict[str, Any]]]


def make_entries(user: str) -> list[dict[str, Any]]:
    entry = {"user_id": user, "date": "2017-06-05", "project": "StoreZero", "hours": 7.5}
    return [
        {**entry, "entry_id": f"{user}:1"},
        {**entry, "date": "2017-06-06", "hours": 5, "entry_id": f"{user}:2"},
    ]


def write_csv(user: str) -> bytes:
    rows = (",".join(str(value) for value in entry.values()) for entry in make_entries(user))
    return (HEADER + "".join(f"{row}\n" for row in rows)).encode()


def write_ndjson(user: str) -> bytes:
    return b"".join(json.dumps(entry).encode() + b"\n" for entry in make_entries(user))


def write_json(user: str) -> bytes:
    return json.dumps(make_entries(user), indent=1).encode()


# Files


@pytest.mark.parametrize(
    ("name", "write", "media_type"),
    [
        pytest.param("week.csv", write_csv, "text/csv", id="csv"),
        pytest.param("week.jsonl.gz", write_ndjson, "application/x-ndjson", id="jsonl.gz"),
        pytest.param("week", write_json, "application/json", id="no name, json"),
    ],
)
def test_a_file_is_previewed_and_sent_as_it_is(
    uploader: Uploader,
    server: DevelopmentServer,
    tmp_path: Path,
    list_stored: ListStored,
    name: str,
    write: Callable[[str], bytes],
    media_type: str,
) -> None:
    content = write(name)
    file = uploader.write(tmp_path / name, gzip.compress(content) if name.endswith(".gz") else content)

    uploader.choose(file)
    uploader.see("2 entries would be stored. Nothing is stored yet.")
    uploader.see("Days more than a year away: 5 Jun 2017, 6 Jun 2017")
    assert list_stored(name) == []
    uploader.press("Upload 2 entries")
    uploader.see("2 entries were stored.")

    assert len(list_stored(name)) == 2
    uploader.follow("View receipt")
    uploader.driver.find_element(By.XPATH, "//summary[.='Technical details']").click()
    uploader.see(hashlib.sha256(file.read_bytes()).hexdigest())
    receipts = requests.get(
        f"{server.url}/uploads",
        {"label": name},
        headers={"Authorization": f"Bearer {server.get_token()}"},
        timeout=10,
    ).json()
    assert [receipt["media_type"] for receipt in receipts["results"]] == [media_type]
    assert uploader.read_complaints() == []


def test_the_format_of_a_file_is_recognized_by_its_name_or_its_text(uploader: Uploader) -> None:
    csv, ndjson, json_text = (write("any").decode() for write in (write_csv, write_ndjson, write_json))
    files = [
        *(("csv", f"week.csv{zipped}", ndjson) for zipped in ("", ".gz")),
        *(("ndjson", f"week.{kind}{zipped}", csv) for kind in ("ndjson", "jsonl") for zipped in ("", ".gz")),
        *(("json", f"Week.JSON{zipped}", csv) for zipped in ("", ".gz")),
        ("csv", "week.txt", csv),
        ("ndjson", "week.log", ndjson),
        ("json", "week", f"\ufeff\n{json_text}"),
        ("json", "one", json.dumps(make_entries("any")[0], indent=2)),
    ]
    script = "return arguments[0].map(([, name, text]) => recognizeType(name, [], text));"

    found = uploader.driver.execute_script(script, files)

    types = {"csv": "text/csv", "ndjson": "application/x-ndjson", "json": "application/json"}
    assert found == [types[expected] for expected, _, _ in files]


def test_a_dropped_file_is_previewed(uploader: Uploader) -> None:
    place = uploader.driver.find_element(By.CLASS_NAME, "drop")

    uploader.driver.execute_script(DROP, place, "dropped.csv", write_csv("dropped").decode())

    uploader.see("Preview of dropped.csv")
    uploader.see("2 entries would be stored")


def test_problems_are_shown_by_cause_with_the_lines_and_members_of_the_file(
    uploader: Uploader, tmp_path: Path
) -> None:
    rows = "odd;5.6.2017;Good;8,5\nodd;6.6.2017;A;26\nodd;7.6.2017;B;26\nodd;2017-06-05;C;1\na;b\n"
    file = uploader.write(tmp_path / "odd.csv", "User_ID;Date;Project;Hours\n" + rows)
    uploader.choose(file)
    uploader.see("date: This is not a date such as")
    options = uploader.driver.find_elements(By.CSS_SELECTOR, "#date_format option")
    assert [each.text for each in options] == [
        "ISO: 2026-11-30",
        "Day first: 5.6.2017 is 5 Jun 2017",
        "Month first: 5.6.2017 is 6 May 2017",
    ]

    options[1].click()

    uploader.see("1 entry would be stored.")
    assert uploader.read_findings() == [
        "hours: Ensure this value is less than or equal to 24. (2)",
        "3 odd 6.6.2017 A 26",
        "4 odd 7.6.2017 B 26",
        "date: This is not a date with the day first, such as 30.11.2026. (1)",
        "5 odd 2017-06-05 C 1",
        "This row has 2 cells, and the header has 4. (1)",
        "6 a;b",
    ]


def test_a_workbook_is_previewed(uploader: Uploader, tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    sheet: Any = workbook.active
    for row in (
        HEADER.strip().split(","),
        ["book", "2017-06-05", "X", 1],
        ["book", "2017-06-05 08:00", "X", 30],
    ):
        sheet.append(row)
    workbook.save(tmp_path / "week.xlsx")

    uploader.choose(tmp_path / "week.xlsx")

    uploader.see("1 entry would be stored.")
    assert uploader.read_findings()[-1] == "3 book 2017-06-05 08:00 X 30"


def test_a_doubt_about_the_order_of_dates_is_shown_next_to_the_file(
    uploader: Uploader, tmp_path: Path
) -> None:
    uploader.choose(uploader.write(tmp_path / "doubt.csv", HEADER + "d,2017-13-06,X,1,\n"))

    uploader.see("does not fit year-month-day (iso), and fits year-day-month. Nothing was stored.")
    assert "Line 2: " in uploader.find("file-error").text
    assert uploader.driver.switch_to.active_element == uploader.find("file")


def test_an_object_alone_is_a_file_with_one_entry(uploader: Uploader, tmp_path: Path) -> None:
    file = uploader.write(tmp_path / "one.json", json.dumps(make_entries("alone")[0], indent=2))

    uploader.choose(file)
    uploader.see("1 entry would be stored.")
    uploader.press("Upload 1 entry")
    uploader.see("1 entry was stored.")
    uploader.choose(file)

    uploader.see("There is nothing to upload: 1 entry is stored already.")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("user_id,date,hours\n", "missing: 'project'", id="column"),
        pytest.param("", "the first row must name the columns.", id="nothing"),
        pytest.param(
            gzip.compress(HEADER.encode())[:-9], "The gzip data of the body ends early.", id="cut gzip"
        ),
        pytest.param(b"x" * (8 * 1024 * 1024 + 1), "more than 8 MB", id="too large"),
        pytest.param(gzip.compress(b"x" * (16 * 1024 * 1024 + 1)), "larger than 16777216", id="bomb"),
    ],
)
def test_an_error_about_a_file_is_shown_next_to_it(
    uploader: Uploader, tmp_path: Path, content: str | bytes, message: str
) -> None:
    uploader.choose(uploader.write(tmp_path / "export.csv", content))

    uploader.see(message)
    assert message in uploader.find("file-error").text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "Paste entries here.", id="nothing"),
        pytest.param("[{", "The body is not JSON", id="a cut array"),
    ],
)
def test_an_error_about_pasted_entries_is_shown_next_to_them(
    uploader: Uploader, text: str, message: str
) -> None:
    uploader.paste(text)

    uploader.see(message)
    assert message in uploader.find("entries-error").text


# What became of the entries


def test_rejected_entries_are_downloaded_corrected_and_uploaded_again(
    uploader: Uploader, downloads: Path, tmp_path: Path
) -> None:
    rows = 'fix,2017-06-05,"A, b",26,fix:1\nfix,2017-06-06,A,1,fix:2\nfix,2017-06-07,"C ""c""",26,fix:3\n'
    uploader.choose(uploader.write(tmp_path / "fix.csv", HEADER + rows))
    uploader.press("Upload 1 entry")
    uploader.see("1 entry was stored, 2 were rejected.")

    uploader.follow("View receipt")
    uploader.follow("Download rejected entries")

    download = downloads / "fix.csv.rejected.csv"
    WebDriverWait(uploader.driver, 10).until(lambda _: download.exists() and download.stat().st_size)
    assert "less than or equal to 24." in download.read_text()
    uploader.open(PAGE)
    uploader.choose(uploader.write(download, download.read_text().replace(",26,", ",6,")))
    uploader.see("2 entries would be stored.")
    uploader.press("Upload 2 entries")
    uploader.see("2 entries were stored.")


def test_verdicts_are_said_in_words(uploader: Uploader) -> None:
    entry = make_entries("words")[0]
    uploader.paste(json.dumps([entry]))
    uploader.press("Upload 1 entry")
    uploader.see("1 entry was stored.")
    changed = {**entry, "hours": 6}
    correction = {**changed, "revision": 2, "reason": "Left early"}
    gap = {**correction, "revision": 5}
    new = {**entry, "entry_id": "words:9"}

    uploader.driver.refresh()
    uploader.paste(json.dumps([entry, changed, correction, gap, new, {**new, "hours": 2}]))
    uploader.press("Upload 2 entries")

    uploader.see("2 entries were stored, 3 were rejected.")
    conflict, missing, repeated = uploader.read_findings()[::2]
    assert "is stored as entry" in conflict
    assert "upload it with revision 2 and a reason." in conflict
    assert "revision: The current revision of this entry_id is" in missing
    assert "with different content" in repeated


def test_all_or_none_stores_none(uploader: Uploader, list_stored: ListStored) -> None:
    good, bad = make_entries("atomic")
    uploader.paste(json.dumps([good, {**bad, "hours": 25}]))
    uploader.see("1 entry would be stored")
    uploader.driver.find_element(By.NAME, "atomic").click()

    uploader.press("Upload 1 entry")

    uploader.see("Nothing was stored, because some entries were rejected.")
    assert "Not stored, because other entries were rejected." in uploader.read_findings()[0]
    assert list_stored("atomic") == []


def test_ten_thousand_entries_are_listed_in_steps(uploader: Uploader, tmp_path: Path) -> None:
    hours = [8, 8, 8, 25] * 2_500
    rows = "".join(f"big,2017-06-05,A,{each},big:{row}\n" for row, each in enumerate(hours))
    uploader.choose(uploader.write(tmp_path / "big.csv", HEADER + rows))
    uploader.see("7,500 entries would be stored.")
    count = "return document.querySelectorAll('.entries tbody tr').length"
    shown = uploader.driver.execute_script(count)

    # The page does other things before all the rows are there.
    in_between = uploader.driver.execute_async_script("""
        const [done] = arguments, {rows} = document.querySelector(".listed table");
        document.querySelector(".listed .table + button").click();
        setTimeout(() => done(rows.length));""")

    assert shown == 100
    assert shown < in_between < 2_000
    WebDriverWait(uploader.driver, 20).until(lambda driver: driver.execute_script(count) == 2_500)


def test_a_slow_line_shows_how_much_is_sent(uploader: Uploader, tmp_path: Path) -> None:
    file = uploader.write(tmp_path / "slow.csv", HEADER + "slow,2017-06-05,A,1,\n" * 9_000)
    uploader.driver.set_network_conditions(latency=0, download_throughput=-1, upload_throughput=80_000)
    try:
        uploader.choose(file)
        share = WebDriverWait(uploader.driver, 10, 0.1).until(read_share)
    finally:
        uploader.driver.delete_network_conditions()

    assert 0 < share < 100
    uploader.see("9,000 entries would be stored")


def test_an_upload_that_runs_can_be_stopped(
    uploader: Uploader, tmp_path: Path, list_stored: ListStored
) -> None:
    file = uploader.write(tmp_path / "stop.csv", HEADER + "stop,2017-06-05,A,1,\n" * 9_000)
    uploader.choose(file)
    uploader.see("9,000 entries would be stored")
    uploader.driver.set_network_conditions(latency=0, download_throughput=-1, upload_throughput=20_000)
    try:
        uploader.press("Upload 9,000 entries")
        WebDriverWait(uploader.driver, 10, 0.1).until(read_share)
        uploader.press("Stop")
        uploader.see("This did not finish, so it may or may not be stored.")
    finally:
        uploader.driver.delete_network_conditions()

    assert list_stored("stop") == []


def read_share(driver: webdriver.Chrome) -> float:
    return float(driver.find_element(By.TAG_NAME, "progress").get_attribute("value") or 0)


def test_text_of_a_file_changes_nothing_around_it(uploader: Uploader) -> None:
    override = "\N{RIGHT-TO-LEFT OVERRIDE}"
    script = "<script>document.title = 'hacked'</script><img src=x onerror=\"document.title = 'hacked'\">"
    rows = [
        {"user_id": f"{override}007", "date": script, "project": script, "hours": {"a": script}},
        {"user_id": f"{override}008", "date": "2017-06-05", "project": script, "hours": 1, "entry_id": "h:1"},
    ]

    uploader.paste(json.dumps(rows))

    uploader.see("1 entry would be stored.")
    assert script in uploader.read_findings()[1]
    cells = uploader.driver.find_elements(By.XPATH, f"//*[starts-with(text(), '{override}')]")
    assert {cell.tag_name for cell in cells} == {"bdi"}
    uploader.press("Choose another file")
    place = uploader.driver.find_element(By.CLASS_NAME, "drop")
    uploader.driver.execute_script(DROP, place, f"{override}{script}.csv", HEADER)
    uploader.see("There are no entries in it.")
    assert uploader.driver.find_element(By.CSS_SELECTOR, "h3 bdi").text == f"{override}{script}.csv"
    assert uploader.driver.title != "hacked"
    assert uploader.read_complaints() == []


# Nothing is stored twice


def test_a_file_without_ids_is_uploaded_again_only_after_a_confirmation(
    uploader: Uploader, tmp_path: Path, list_stored: ListStored
) -> None:
    file = uploader.write(tmp_path / "noid.csv", HEADER + "noid,2017-06-05,A,1,\n")
    uploader.choose(file)
    uploader.press("Upload 1 entry")
    uploader.see("1 entry was stored.")
    uploader.choose(file)
    uploader.see("This file was sent before")

    uploader.press("Upload 1 entry")
    assert len(list_stored("noid")) == 1
    uploader.driver.find_element(By.NAME, "again").click()
    uploader.press("Upload 1 entry")
    uploader.see("1 entry was stored.")

    assert len(list_stored("noid")) == 2


def test_what_is_sent_again_after_a_lost_answer_is_stored_once(
    unlucky: Unlucky, tmp_path: Path, list_stored: ListStored
) -> None:
    unlucky.choose(unlucky.write(tmp_path / "lost.csv", write_csv("lost")))
    unlucky.see("2 entries would be stored")
    unlucky.lose_answer(
        lambda: unlucky.press("Upload 2 entries"),
        "This did not finish, so it may or may not be stored. Look at",
    )
    unlucky.driver.find_element(By.NAME, "again").click()
    unlucky.press("Upload 2 entries")
    unlucky.see("0 entries were stored.")

    unlucky.fill_entry("lost-one")
    unlucky.lose_answer(lambda: unlucky.press("Upload entry"), "the entry is not stored twice.")
    unlucky.press("Upload entry")
    unlucky.see("Already stored as entry")

    assert [len(list_stored(user)) for user in ("lost", "lost-one")] == [2, 1]


def test_entries_without_ids_whose_answer_was_lost_need_a_confirmation(unlucky: Unlucky) -> None:
    unlucky.lose_answer(
        lambda: unlucky.paste(HEADER + "lost-noid,2017-06-05,A,1,\n"),
        "The check did not finish. Nothing was stored. Try again.",
    )
    unlucky.press("Preview entries")
    unlucky.see("1 entry would be stored")
    unlucky.lose_answer(
        lambda: unlucky.press("Upload 1 entry"), "entries without an entry_id could be stored twice"
    )
    unlucky.see("This file was sent before")
    unlucky.driver.execute_script(HOLD_REQUESTS)

    unlucky.press("Upload 1 entry")

    assert unlucky.driver.execute_script("return release()") == 0


def test_a_file_is_sent_once_however_often_somebody_presses(
    uploader: Uploader, list_stored: ListStored
) -> None:
    uploader.paste(HEADER + "once,2017-06-05,A,1,\n")
    uploader.see("1 entry would be stored")
    uploader.driver.execute_script(HOLD_REQUESTS)
    uploader.press("Upload 1 entry")

    uploader.see("Uploading pasted text…")
    assert uploader.driver.find_element(By.TAG_NAME, "progress").is_displayed()
    uploader.driver.execute_script("document.querySelector('.store').click()")
    assert uploader.driver.execute_script("return release()") == 1
    uploader.see("1 entry was stored.")

    assert len(list_stored("once")) == 1


def test_only_a_changed_or_a_new_entry_is_stored_again(uploader: Uploader, list_stored: ListStored) -> None:
    uploader.fill_entry("again")
    uploader.press("Upload entry")
    uploader.see("Stored entry")

    uploader.press("Upload entry")
    [entry] = list_stored("again")
    uploader.see(f"Already stored as entry {entry['id']}, nothing was stored again.")
    uploader.fill("hours", "2")
    uploader.press("Upload entry")
    uploader.see("2.00 hours of employee again.")
    uploader.press("New entry")
    kept = [uploader.find(field).get_attribute("value") for field in ("user_id", "date", "project", "hours")]
    uploader.fill_entry("again", "2")
    uploader.press("Upload entry")
    uploader.see("Stored entry")

    assert kept == ["again", "2017-05-10", "", ""]
    stored = list_stored("again")
    assert [entry["hours"] for entry in stored] == [7.5, 2, 2]
    assert len({entry["entry_id"] for entry in stored}) == 3


def test_while_an_entry_is_sent_the_form_is_disabled(uploader: Uploader, list_stored: ListStored) -> None:
    uploader.fill_entry("double")
    uploader.driver.execute_script(HOLD_REQUESTS)
    uploader.find("hours").send_keys(Keys.ENTER)

    assert not any(field.is_enabled() for field in find_fields(uploader))
    uploader.driver.execute_script("document.getElementById('upload-one').requestSubmit()")
    assert uploader.driver.execute_script("return release()") == 1
    uploader.see("Stored entry")

    assert all(field.is_enabled() for field in find_fields(uploader))
    assert uploader.driver.switch_to.active_element == uploader.find("hours")
    assert len(list_stored("double")) == 1


def find_fields(uploader: Uploader) -> list[WebElement]:
    return uploader.driver.find_elements(By.CSS_SELECTOR, "#upload-one fieldset :is(input, button)")


def test_an_entry_gets_an_id_where_the_browser_has_no_random_uuid(
    uploader: Uploader, list_stored: ListStored
) -> None:
    uploader.driver.execute_script("crypto.randomUUID = undefined")
    uploader.fill_entry("http")

    uploader.press("Upload entry")

    uploader.see("Stored entry")
    assert len(list_stored("http")[0]["entry_id"]) == 32


def test_an_error_is_shown_next_to_its_field(uploader: Uploader) -> None:
    uploader.fill_entry("error", hours="25")

    uploader.press("Upload entry")

    uploader.see("Ensure this value is less than or equal to 24.")
    assert "24" in uploader.find("hours-error").text
    assert uploader.find("hours").get_attribute("aria-invalid") == "true"
    assert uploader.driver.switch_to.active_element == uploader.find("hours")
    assert uploader.find("project").get_attribute("aria-invalid") is None


# People


def test_everything_works_by_keyboard_alone(
    uploader: Uploader, tmp_path: Path, list_stored: ListStored
) -> None:
    good, bad = make_entries("keys")
    file = uploader.write(tmp_path / "keys.json", json.dumps([good, {**bad, "hours": 25}]))
    keyboard = Keyboard(uploader.driver)

    keyboard.tab_to("Choose a file, or drop it here")
    uploader.driver.switch_to.active_element.send_keys(str(file))
    uploader.see("1 entry would be stored")
    keyboard.activate("Upload 1 entry")
    uploader.see("1 entry was stored, 1 was rejected.")
    keyboard.tab_to("Download rejected entries")
    keyboard.tab_to("View receipt")
    keyboard.fill("Employee", "keys")
    keyboard.fill_date("Date", "2017-05-10")
    keyboard.fill("Project", "StoreZero")
    keyboard.fill("Hours", "3")
    keyboard.press(Keys.ENTER)
    uploader.see("Stored entry")
    keyboard.activate("View entry")
    uploader.see("StoreZero")

    assert sorted(entry["hours"] for entry in list_stored("keys")) == [3, 7.5]


def test_a_session_that_ends_loses_nothing(uploader: Uploader, tmp_path: Path) -> None:
    uploader.fill_entry("typed")
    here = uploader.driver.current_window_handle
    uploader.driver.delete_cookie("sessionid")
    uploader.choose(uploader.write(tmp_path / "chosen.csv", write_csv("chosen")))

    uploader.see("You are signed out. Sign in again in a new tab")
    uploader.follow("Sign in again")
    [there] = {*uploader.driver.window_handles} - {here}
    uploader.driver.switch_to.window(there)
    uploader.press("Sign in")
    uploader.press("Sign in as payroll")
    uploader.see("Upload entries")
    uploader.driver.close()
    uploader.driver.switch_to.window(here)

    uploader.press("Preview again")
    uploader.press("Upload 2 entries")
    uploader.see("2 entries were stored.")
    uploader.press("Upload entry")
    uploader.see("Stored entry")
    uploader.press("Sign out")
    uploader.see("stores each entry once")


def test_a_client_that_may_only_upload_sees_no_link_that_it_may_not_follow(
    driver: webdriver.Chrome, tmp_path: Path, server: DevelopmentServer
) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": "payroll",
        "client_secret": "development-secret-of-payroll",
        "audience": AUDIENCE,
        "scope": "batch:upload",
    }
    token = requests.post(f"{server.url}/oauth/token", form, timeout=10).json()["access_token"]
    uploader = Uploader(driver, server)
    uploader.open("/sign-in?paste&next=/timesheets/upload")
    uploader.fill("token", token)
    uploader.press("Sign in")
    uploader.see("Upload a file")

    uploader.choose(uploader.write(tmp_path / "only.csv", write_csv("only")))
    uploader.press("Upload 2 entries")
    uploader.see("2 entries were stored.")
    uploader.fill_entry("only")
    uploader.press("Upload entry")
    uploader.see("Stored entry")

    for place, names in (
        ("main", ["What may this client upload?", "API docs"]),
        ("nav[aria-label=Pages]", ["Upload", "API docs"]),
    ):
        assert [link.text for link in driver.find_elements(By.CSS_SELECTOR, f"{place} a")] == names
