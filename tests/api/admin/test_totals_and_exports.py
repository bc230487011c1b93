"""A list adds up what it shows, on all its pages, and people download it."""

import csv
import io
import re
from decimal import Decimal

import pytest

from tests.api.admin.conftest import FORMULA, add_rows
from tests.api.admin.pages import LIST, Visitor, read_csv, read_totals
from timesheets.admin.queries import MAX_TOTALED


@pytest.mark.parametrize(
    ("query", "totals"),
    [
        ("", ["37.50", "4", "3"]),
        ("?user_id=007", ["6.00", "2", "1"]),
        ("?first_day=2019-01-31&last_day=2019-03-01", ["25.00", "2", "2"]),
        ("?q=nothing", ["0.00", "0", "0"]),
    ],
)
def test_the_list_adds_up_what_is_filtered(boss: Visitor, query: str, totals: list[str]) -> None:
    page = boss.get(LIST + query).text

    assert read_totals(page) == totals
    assert ("Download all as CSV" in page) is (totals[1] != "0")


def test_totals_are_those_of_all_pages(boss: Visitor) -> None:
    row = (1, None, "010", "2017-05-10T17:40Z", "StoreZero", Decimal("7.25"), "2017-05-11T08:00Z", None)
    add_rows([(number, *row) for number in range(5, 206)])

    assert read_totals(boss.get(f"{LIST}?user_id=010&p=2").text) == ["1,457.25", "201", "1"]


@pytest.mark.parametrize(
    ("query", "found", "totals"),
    [
        ("", [5, 4, 3, 2, 1], ["10.00", "2", "1"]),
        ("?state=current", [5, 2], ["10.00", "2", "1"]),
        ("?state=superseded", [3, 1], ["0.00", "0", "0"]),
        ("?state=withdrawn", [4], ["0.00", "0", "0"]),
        ("?q=Secret", [2], ["5.00", "1", "1"]),
    ],
)
def test_superseded_and_withdrawn_entries_can_be_left_out_and_never_count(
    auditor: Visitor, query: str, found: list[int], totals: list[str]
) -> None:
    assert auditor.list_ids(query) == found
    assert read_totals(auditor.get(LIST + query).text) == totals


def test_more_entries_than_a_limit_are_not_added_up(boss: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_TOTALED == 100_000
    monkeypatch.setattr("timesheets.admin.queries.MAX_TOTALED", 3)

    everything, one_fewer = boss.get(LIST).text, boss.get(f"{LIST}?id__gte=2").text

    assert "More than 100,000 entries." in everything
    assert read_totals(everything) == []
    assert read_totals(one_fewer) == ["32.50", "3", "3"]


def test_one_button_downloads_all_that_is_filtered(boss: Visitor) -> None:
    page = boss.get(f"{LIST}?user_id=007").text

    [form] = re.findall(r'<div class="totals">.*?<form method="post">(.*?)</form>', page, re.DOTALL)
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', form))
    _, *rows = read_csv(boss.post(f"{LIST}?user_id=007", **fields))
    assert "Download all as CSV" in form
    assert [row[0] for row in rows] == ["3", "1"]


def test_the_export_contains_the_selected_entries(boss: Visitor) -> None:
    response = boss.export(_selected_action=[1, 2])

    content = response.getvalue()
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="timesheets.csv"'
    # Excel reads it as UTF-8.
    assert content.startswith(b"\xef\xbb\xbfid,client,")
    assert content.count(b"\r\n") == content.count(b"\n") == 3
    [latest, earliest] = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert {name: value for name, value in latest.items() if value} == {
        "id": "2",
        "client": "payroll",
        "user_id": "008",
        "date": "2017-05-12T00:00:00+02:00",
        "project": "Store Söne",
        "hours": "7.50",
        "entry_id": "a-2",
        "received_at": "2017-05-12T10:00:00+02:00",
        "issuer": "https://issuer.example/",
        "revision": "1",
    }
    assert [*latest.keys()][-5:] == ["subject", "revision", "reason", "superseded_by", "upload"]
    assert (earliest["id"], earliest["date"]) == ("1", "2017-05-10T19:40:20.095000+02:00")
    assert earliest["subject"] == "payroll@clients"


def test_the_export_contains_no_formula(boss: Visitor) -> None:
    _, *rows = read_csv(boss.export(_selected_action=[3, 4]))

    users, projects, entry_ids = ([row[column] for row in rows] for column in (2, 4, 6))
    assert users == ["'@009", "007"]
    assert projects == ["'+1", f"'{FORMULA}"]
    assert entry_ids == ["'-b-4", ""]
