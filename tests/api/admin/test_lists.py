"""People find entries in lists, which nobody can change."""

import re
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from tests.api.admin.conftest import add_rows
from tests.api.admin.pages import LIST, UPLOADS, Visitor, read_csv, read_labels
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
    assert "10 May 2017, 19:40" in page
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


def test_the_list_can_be_filtered_by_client_and_state(boss: Visitor) -> None:
    assert boss.list_ids() == [4, 3, 2, 1]
    assert boss.list_ids(boss.find_link("payroll of https://issuer.example/")) == [2, 1]
    assert boss.list_ids(boss.find_link("contractors of https://issuer.example/")) == [4, 3]
    assert boss.list_ids("?state=wrong") == []


def test_a_client_links_to_its_timesheets(boss: Visitor) -> None:
    page = boss.get("/admin/timesheets/client/?q=contractors").text

    [link] = re.findall(rf'href="{LIST}([^"]+)"', page)
    assert boss.list_ids(link) == [4, 3]


def test_the_list_can_be_filtered_by_time_of_receipt(boss: Visitor) -> None:
    add_rows([(5, 1, "now", "007", "2018-01-01T00:00Z", "StoreZero", 5, datetime.now(UTC), None)])

    assert boss.list_ids(boss.find_link("Past 7 days")) == [5]
    assert boss.list_ids(boss.find_link("Any date")) == [5, 4, 3, 2, 1]


def test_days_are_those_of_the_apis_time_zone(boss: Visitor) -> None:
    page = boss.get(f"{LIST}?q=008").text

    assert "Dates and times are those of Europe/Berlin" in page
    assert "12 May 2017</td>" in page


def filter_by(**fields: str) -> str:
    return f"?{urlencode(fields)}"


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        *(({"user_id": user}, found) for user, found in (("007", [3, 1]), ("00", []))),
        *(({"first_day": f"2017-05-{day}"}, found) for day, found in (("12", [4, 3, 2]), ("13", [4, 3]))),
        *(({"last_day": f"2017-05-{day}"}, found) for day, found in (("12", [2, 1]), ("11", [1]))),
        ({"last_day": "2999-12-31"}, [4, 3, 2, 1]),
        ({"user_id": "007", "last_day": "2017-12-31"}, [1]),
        ({"user_id": "", "first_day": "", "last_day": ""}, [4, 3, 2, 1]),
        ({"user_id": "007", "client__id__exact": "2"}, [3]),
    ],
)
def test_the_list_can_be_filtered_by_employee_and_days(
    boss: Visitor, fields: dict[str, str], found: list[int]
) -> None:
    assert boss.list_ids(filter_by(**fields)) == found


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"first_day": "yesterday"}, "Enter a valid date."),
        ({"first_day": "0001-01-01"}, "greater than or equal to 1900-01-01"),
        ({"last_day": "9999-12-31"}, "less than or equal to 2999-12-31"),
        ({"first_day": "2019-01-02", "last_day": "2019-01-01"}, "The last day is before"),
        ({"user_id": "a\0b"}, "Null characters are not allowed."),
    ],
)
def test_a_filter_with_an_error_lists_nothing(boss: Visitor, fields: dict[str, str], message: str) -> None:
    assert message in boss.get(LIST + filter_by(**fields)).text
    assert boss.list_ids(filter_by(**fields)) == []
    assert len(read_csv(boss.export(filter_by(**fields), select_across=1, _selected_action=0))) == 1


def test_the_filters_form_keeps_the_other_filters_and_shows_its_values(boss: Visitor) -> None:
    script = '"><script>'
    page = boss.get(LIST + filter_by(user_id=script, q="Store", id__gte="1")).text

    [form] = re.findall(r'<details data-filter-title="employee and date".*?</details>', page, re.DOTALL)
    hidden = re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', form)
    assert sorted(hidden) == [("id__gte", "1"), ("q", "Store")]
    assert 'value="&quot;&gt;&lt;script&gt;"' in form
    assert script not in page


def test_lists_have_readable_labels(auditor: Visitor) -> None:
    entries = "ID Employee Date Hours Project Revision Client Received|Entry id"
    uploads = "ID Label Client Received Sent Stored|Already stored|Rejected|Hours created"

    assert " ".join(read_labels(auditor.get(LIST).text)) == entries.replace("|", " ")
    assert " ".join(read_labels(auditor.get(UPLOADS).text)) == uploads.replace("|", " ")
