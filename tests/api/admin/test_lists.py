"""People find entries in lists, which nobody can change."""

import re
from datetime import UTC, datetime
from html import unescape
from urllib.parse import urlencode

import pytest

from tests.api.admin.conftest import add_rows
from tests.api.admin.pages import LIST, Visitor, read_cells
from timesheets.models import Timesheet


def test_the_address_without_a_slash_redirects_to_the_admin(boss: Visitor) -> None:
    assert boss.get("/admin").redirect_chain[-1][0] == "/admin/"


@pytest.mark.parametrize("model", ["timesheet", "client"])
@pytest.mark.parametrize("page", ["add/", "1/change/", "1/delete/"])
def test_not_even_a_superuser_can_change_anything(boss: Visitor, model: str, page: str) -> None:
    before = list(Timesheet.objects.values())

    response = boss.post(f"/admin/timesheets/{model}/{page}", user_id="666", client_id="666", post="yes")

    assert response.status_code == 403
    assert list(Timesheet.objects.values()) == before


def test_the_list_cannot_delete(boss: Visitor) -> None:
    response = boss.post(LIST, action="delete_selected", _selected_action=1, post="yes")

    assert "No action selected" in response.text
    assert Timesheet.objects.count() == 4


def test_a_timesheet_has_no_input_fields(boss: Visitor) -> None:
    page = boss.get(f"{LIST}1/change/").text

    assert "StoreZero" in page
    assert "May 10, 2017, 7:40 p.m." in page
    assert 'name="user_id"' not in page
    assert 'name="_save"' not in page


SEARCHES: list[tuple[str, list[int]]] = [
    *(("007", [3, 1]), ("00", []), ("a-2", [2]), ("a-", []), ("Store", [2, 1]), ("Zero", [])),
    *(("Store 007", [1]), ('"Store S"', [2])),
]


@pytest.mark.parametrize(("words", "found"), SEARCHES)
def test_a_search_finds_users_and_entries_and_the_start_of_projects(
    boss: Visitor, words: str, found: list[int]
) -> None:
    assert boss.list_ids(f"?{urlencode({'q': words})}") == found


def test_the_list_can_be_filtered_by_client(boss: Visitor) -> None:
    assert boss.list_ids() == [4, 3, 2, 1]
    assert boss.list_ids(boss.find_link("payroll of https://issuer.example/")) == [2, 1]
    assert boss.list_ids(boss.find_link("contractors of https://issuer.example/")) == [4, 3]


@pytest.mark.parametrize("field", ["date", "received_at"])
def test_the_list_can_be_filtered_by_times(boss: Visitor, field: str) -> None:
    now = datetime.now(UTC)
    add_rows([(5, 1, "now", "007", now, "StoreZero", 5, now, None)])

    links = re.findall(rf'href="(\?{field}[^"]*)"[^>]*>\s*Past 7 days\s*<', boss.get(LIST).text)

    assert [boss.list_ids(unescape(link)) for link in links] == [[5]]


def test_times_are_those_of_the_apis_time_zone(boss: Visitor) -> None:
    page = boss.get(f"{LIST}?q=008").text

    assert "in the time of Europe/Berlin" in page
    assert read_cells(page, "date") == ["May 12, 2017, midnight"]
