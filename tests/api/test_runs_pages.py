"""People see runs, what is held and why, and how each line came about."""

import gzip
import re
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import status_and_code
from tests.api.pages import SCRIPT, Open, list_links, read_page, read_text
from tests.api.reading import Read
from tests.kit.django_client import ClientResponse
from tests.storage.entries import make_entry
from tests.storage.runs import pay
from timesheets.formats.days import write_day
from timesheets.models import Run

EVERYTHING = {"azp": "accounting", "scope": "read:all-timesheets"}
LINES = "/runs/june/lines"


@pytest.fixture
def runs(store: Callable[..., list[int]], tmp_path: Path) -> None:
    """Two runs: the second one corrects, is late, and holds two people for two reasons."""
    june = datetime(2017, 6, 10, 8, tzinfo=UTC)
    store(make_entry("a"))
    pay("may", "2017-05-31")
    store(make_entry("a", hours=Decimal(3), revision=2, reason="Left early"))
    store(make_entry("b", user_id=SCRIPT, date=june), make_entry("c", project="Intranet"))
    store(*(make_entry(user_id=name, date=june) for name in "123"), client_id="agency", organization="org_1")
    holds = "client,user_id,reason\nagency,1,no contract\nagency,2,=in dispute\n"
    (tmp_path / "holds.csv").write_text(holds)
    pay("june", "2017-06-30", "--hold", tmp_path / "holds.csv")


def read_rows(response: ClientResponse) -> list[str]:
    assert response.status_code == 200, response.content
    return [read_text(row) for row in re.findall("<tr.*?>(.*?)</tr>", response.content.decode(), re.DOTALL)]


@pytest.mark.usefixtures("runs")
def test_the_newest_run_is_first_with_what_it_pays_and_holds(show: Open) -> None:
    every, own = show("/runs", **EVERYTHING), show("/runs")

    day = write_day(Run.objects.get(label="june").created_at)
    assert read_rows(every)[0] == "Run Through Made Lines Hours to pay Held"
    assert re.fullmatch(rf"june 30 Jun 2017 {day}, ..:.. 6 13.00 10.00", read_rows(every)[1])
    assert read_rows(own)[1].endswith("3 8.00 0.00")
    assert read_rows(own)[2].startswith("may 31 May 2017")
    assert "The operator of this site makes the runs, with a command" in read_page(own)
    assert "/runs/june" in list_links(own)


@pytest.mark.usefixtures("runs")
def test_a_run_shows_what_is_paid_by_kind_and_what_is_held_by_reason(show: Open) -> None:
    every, own = show("/runs/june", **EVERYTHING), show("/runs/june")

    assert read_rows(every) == [
        "Kind Lines Hours",
        "New 2 10.00",
        "Late 1 5.00",
        "Correction 1 -2.00",
        "Employee Client Lines Hours held",
        "=in dispute",
        "2 agency for org_1 1 5.00",
        "no contract",
        "1 agency for org_1 1 5.00",
    ]
    assert "Hours through 30 Jun 2017" in read_page(every)
    assert Run.objects.get(label="june").sha256 in read_page(every)
    assert read_rows(own)[0:4] == ["Kind Lines Hours", "New 1 5.00", "Late 1 5.00", "Correction 1 -2.00"]
    assert "agency" not in read_page(own)
    assert "SHA-256" not in read_page(own)
    for link in list_links(every):
        if link.startswith(LINES) and "format" not in link:
            assert len(read_rows(show(link, **EVERYTHING))) > 1


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("query", "days", "sums"),
    [
        ("", 6, "13.00 hours to pay and 10.00 held in 6 lines."),
        ("?paid=false", 2, "0.00 hours to pay and 10.00 held in 2 lines."),
        ("?paid=true&client=agency", 1, "5.00 hours to pay in 1 line."),
        ("?kind=correction", 1, "-2.00 hours to pay in 1 line."),
        ("?user_id=007&project=Intranet", 1, "5.00 hours to pay in 1 line."),
        ("?kind=new&page_size=1", 1, "10.00 hours to pay and 10.00 held in 4 lines."),
    ],
)
def test_filters_select_lines_and_add_them_up(show: Open, query: str, days: int, sums: str) -> None:
    page = show(f"{LINES}{query}", **EVERYTHING)

    assert len(read_rows(page)) == days + 1
    assert sums in read_page(page)
    names_employee = "<title>Employee &#x2068;007&#x2069;, Lines of run june" in page.content.decode()
    assert names_employee == ("user_id" in query)


@pytest.mark.usefixtures("runs")
def test_a_line_leads_to_its_entries_as_the_run_found_them(
    show: Open, store: Callable[..., list[int]]
) -> None:
    store(make_entry("a", hours=Decimal(1), revision=3, reason="Later"))

    page = show(f"{LINES}?kind=correction", **EVERYTHING)

    assert read_rows(page)[1] == (
        "007 , entries of 10 May 2017 payroll StoreZero 10 May 2017 3.00 5.00 -2.00 Correction"
    )
    [link] = (link for link in list_links(page) if link.startswith("/timesheets?user_id"))
    entries = show(link, "application/json", **EVERYTHING).json()["results"]
    assert [(entry["hours"], entry.get("revision", 1)) for entry in entries] == [(5, 1), (3, 2)]
    assert read_rows(show(link, **EVERYTHING))[2].startswith("007 , entry")


@pytest.mark.usefixtures("runs")
def test_filtered_pages_follow_each_other(show: Open) -> None:
    rows, path = [], f"{LINES}?kind=new&page_size=1"
    while path:
        page = show(path, **EVERYTHING)
        rows += read_rows(page)[1:]
        [path] = [LINES + link for link in list_links(page) if "cursor=" in link] or [""]

    assert [row.split(" ,")[0] for row in rows] == ["1", "2", "3", SCRIPT]
    assert "?page_size=1&kind=new" in list_links(page)


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("parameter", ["kind=new", "user_id=007", "project=X", "paid=false", "format=csv"])
@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
def test_programs_know_no_filters(show: Open, parameter: str, accept: str) -> None:
    response = show(f"{LINES}?{parameter}", accept)

    assert status_and_code(response) == (400, "invalid_parameter")
    assert response.json()["detail"] == "The only parameters are page_size, cursor."


@pytest.mark.usefixtures("runs")
def test_the_file_has_all_lines_that_are_selected_and_no_formulas(show: Open, read: Read) -> None:
    def download(query: str, **claims: Any) -> list[str]:
        with closing(show(f"{LINES}?{query}format=csv", **claims)) as file:
            return gzip.decompress(file.getvalue()).decode("utf-8-sig").splitlines()

    assert download("paid=false&", **EVERYTHING)[1:] == [
        "1,2017-06-10,StoreZero,5.00,0.00,5.00,new,no contract,agency,org_1",
        "2,2017-06-10,StoreZero,5.00,0.00,5.00,new,'=in dispute,agency,org_1",
    ]
    assert download("page_size=1&") == read(LINES, Accept="text/csv").content.decode().splitlines()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/runs", "No run has paid hours of this client yet."),
        ("/runs/july", "There is no such run with hours of this client."),
        ("/runs/july/lines", "There is no such run with hours of this client."),
        ("/runs/july/lines?kind=odd", "kind:"),
    ],
)
def test_what_does_not_exist_is_said_in_words(show: Open, path: str, words: str) -> None:
    assert words in read_page(show(path))


def test_a_full_page_of_the_longest_texts_is_below_100_kb(
    show: Open, store: Callable[..., list[int]], tmp_path: Path
) -> None:
    client = {"client_id": "c" * 64, "organization": "o" * 64}
    store(*(make_entry(user_id=f"{each:064}", project="p" * 128) for each in range(101)), **client)
    (tmp_path / "holds.csv").write_text(f"client,user_id,reason\n{'c' * 64},,{'r' * 200}\n")
    pay("l" * 128, "2017-05-31", "--hold", tmp_path / "holds.csv")

    run, lines = (
        show(f"/runs/{'l' * 128}{path}", **EVERYTHING) for path in ("", f"/lines?client={'c' * 64}")
    )

    assert (len(read_rows(run)), len(read_rows(lines))) == (52, 51)
    assert "There are more people whose hours are held" in read_page(run)
    assert max(len(run.content), len(lines.content)) < 100_000
