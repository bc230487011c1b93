"""People find entries and uploads in lists, which nobody can change or keep busy."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.api.admin.conftest import COLUMNS, LIST, ROWS, UPLOADS, Visitor
from timesheets.models import Timesheet

LISTS = [LIST, UPLOADS, "/admin/timesheets/client/"]
HOSTILE_VALUES = [
    *("", "abc", "\0", "1\0", "-1", "9" * 20, "9" * 5000, "1e999999"),
    "\N{ARABIC-INDIC DIGIT ONE}",
]
LOOK_UPS = """
project project__contains client__client_id__regex hours__exact received_at__isnull upload__label__contains
user_id__in date__exact date__gte username__regex nonsense
"""


@pytest.fixture
def clerk(visit: Callable[..., Visitor]) -> Client:
    """The browser of somebody who may look at everything and change nothing."""
    return visit("clerk", may="view_").browser


def test_the_address_without_a_slash_redirects_to_the_admin(boss: Visitor) -> None:
    assert boss.get("/admin").redirect_chain[-1][0] == "/admin/"


@pytest.mark.parametrize("model", ["timesheet", "client", "upload"])
@pytest.mark.parametrize("page", ["add/", "1/change/", "1/delete/"])
def test_not_even_a_superuser_can_change_anything(boss: Visitor, model: str, page: str) -> None:
    before = list(Timesheet.objects.values())

    response = boss.post(f"/admin/timesheets/{model}/{page}", user_id="666", client_id="666", post="yes")
    boss.post(LIST, action="delete_selected", _selected_action=1, post="yes")

    assert response.status_code == 403
    assert list(Timesheet.objects.values()) == before


def test_a_timesheet_has_no_input_fields(boss: Visitor) -> None:
    page = boss.get(f"{LIST}3/change/").text

    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert 'name="user_id"' not in page
    assert 'name="_save"' not in page


@pytest.mark.parametrize(
    ("words", "found"),
    [
        *(("", [4, 3, 2, 1]), ("007", [3, 1]), ("00", []), ("a-2", [2]), ("a-", []), ("Store", [2, 1])),
        *(("Zero", []), ("Store 007", [1]), ('"Store S"', [2])),
    ],
)
def test_a_search_finds_users_and_entries_and_the_start_of_projects(
    boss: Visitor, words: str, found: list[int]
) -> None:
    assert boss.list_ids(q=words) == found


def test_lists_can_be_filtered_by_client(boss: Visitor) -> None:
    assert "?client__id__exact=2" in boss.get(LIST).text
    assert boss.list_ids(client__id__exact=2) == [4, 3]
    assert boss.list_ids(UPLOADS, client__id__exact=2) == [2]
    assert boss.list_ids(UPLOADS, q="pay") == [1]


def test_times_are_those_of_the_apis_time_zone(boss: Visitor) -> None:
    page = boss.get(LIST, q="008").text

    assert "in the time of Europe/Berlin" in page
    assert "May 12, 2017, midnight" in page


@pytest.mark.parametrize("path", LISTS)
def test_a_list_refuses_look_ups_that_no_link_uses(clerk: Client, path: str) -> None:
    for look_up in LOOK_UPS.split():
        assert clerk.get(path, {look_up: "1"}).status_code == 400, look_up


HOSTILE_FIELDS: list[dict[str, Any]] = [
    *({"client__id__exact": value} for value in (*HOSTILE_VALUES, ["1"] * 900)),
    *({name: "\0"} for name in ("q", "p", "all")),
    # What Django reads from the bytes of a lone surrogate.
    *({"q": words} for words in ("\N{REPLACEMENT CHARACTER}" * 3, '"' * 1000)),
    *({"p": page} for page in ("-1", "9" * 5000)),
    {"o": "-1.99.x.\0"},
    *({name: "1"} for name in ("e", "_facets", "_popup")),
    {"_to_field": "password"},
    {"_changelist_filters": "\0=%00&p=x"},
]


@pytest.mark.parametrize("path", LISTS)
def test_no_address_of_a_list_breaks_it(clerk: Client, path: str) -> None:
    for fields in HOSTILE_FIELDS:
        assert clerk.get(path, fields).status_code in (200, 302, 400), fields
    for row in ("9" * 20, "abc", "_00", "1_00", "_D8_00", "9" * 5000):
        for page in ("change/", "history/", "delete/"):
            assert clerk.get(f"{path}{row}/{page}").status_code in (302, 403, 404), (page, row)


@pytest.mark.parametrize("path", [LIST, UPLOADS])
def test_the_number_of_statements_does_not_grow_with_the_rows(boss: Visitor, path: str) -> None:
    def count_statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert boss.get(path).status_code == 200
        return sum("timesheets_" in query["sql"] for query in queries)

    before = count_statements()
    row = dict(zip(COLUMNS, ROWS[2], strict=True)) | {"id": None}
    Timesheet.objects.bulk_create(Timesheet(**row) for _ in range(120))

    # The clients, a count, and one page.
    assert count_statements() == before == 3
