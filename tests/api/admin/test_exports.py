"""People download what a list shows, on all its pages."""

import csv
import io

import pytest

from tests.api.admin.conftest import FORMULA
from tests.api.admin.pages import Visitor, read_csv


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [5, 4, 3, 2, 1]),
        ("?state=current", [5, 2]),
        ("?state=superseded", [3, 1]),
        ("?state=withdrawn", [4]),
        ("?q=Secret", [2]),
    ],
)
def test_the_export_has_all_that_is_filtered(auditor: Visitor, query: str, found: list[int]) -> None:
    assert auditor.list_ids(query) == found
    _, *rows = read_csv(auditor.export(query, select_across=1, _selected_action=found[0]))
    assert [int(row[0]) for row in rows] == found


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
