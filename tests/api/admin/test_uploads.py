"""What the admin shows of corrections and of uploads, and what it asks the database for."""

import json
import re
from html import unescape
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.admin.conftest import add_rows, deliver
from tests.api.admin.pages import LIST, UPLOADS, Visitor, read_cells, read_csv, read_history
from timesheets.models import Rejection


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
    [("", [6, 5, 4, 3, 2, 1]), ("week19", [3, 2, 1]), ("week19.csv", [2, 1]), ("again", [])],
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


def test_an_upload_shows_what_it_refused(auditor: Visitor) -> None:
    entry = {"user_id": "007", "project": "<script>alert(1)</script>", "hours": 25}
    errors = {"hours": ["Too many."], "non_field_errors": ["No."]}
    texts = {"errors": json.dumps(errors), "entry": json.dumps(entry)}
    Rejection.objects.create(upload_id=5, index=3, status=422, code="invalid_entry", **texts)

    page = auditor.get(f"{UPLOADS}5/change/").text

    [row] = re.findall('<tr>\\s*(<td data-label="Entry">.*?)</tr>', page, re.DOTALL)
    assert " ".join(re.sub("<[^>]*>", " ", row).split()) == (
        "4 hours: Too many. No. 007 &lt;script&gt;alert(1)&lt;/script&gt; 25"
    )
    assert "None are kept." in auditor.get(f"{UPLOADS}6/change/").text


@pytest.mark.parametrize("page", ["add/", "1/change/", "1/delete/"])
def test_nobody_can_change_an_upload(auditor: Visitor, page: str) -> None:
    assert auditor.post(f"{UPLOADS}{page}", label="other.csv", post="yes").status_code == 403
    assert "week19.csv" in auditor.get(f"{UPLOADS}1/change/").text


def list_queries(visitor: Visitor, path: str) -> list[str]:
    """The statements of a page that use our tables."""
    with CaptureQueriesContext(connection) as queries:
        assert visitor.get(path).status_code == 200
    return [query["sql"] for query in queries if "timesheets_" in query["sql"]]


def test_the_list_reads_the_clients_a_count_and_one_page(boss: Visitor) -> None:
    row = (1, None, "007", "2017-05-10T17:40:20Z", "StoreZero", 5, "2017-05-11T08:00:00Z", None)
    add_rows([(number, *row) for number in range(5, 301)])

    [clients, count, page] = list_queries(boss, f"{LIST}?p=2")

    assert clients.startswith('SELECT "timesheets_client"."id"')
    # Later revisions are searched only for the entries of the page.
    assert count == 'SELECT COUNT(*) AS "__count" FROM "timesheets_timesheet"'
    assert page.endswith('ORDER BY "timesheets_timesheet"."id" DESC LIMIT 100 OFFSET 100')


@pytest.mark.parametrize("path", [LIST, UPLOADS, f"{UPLOADS}2/change/", f"{LIST}2/change/"])
def test_the_number_of_statements_does_not_grow_with_the_rows(auditor: Visitor, path: str) -> None:
    before = list_queries(auditor, path)
    for revision in range(2, 120):
        deliver("contractors", "more.csv", hours=revision % 7, revision=revision, reason="Again")

    assert len(list_queries(auditor, path)) <= len(before)
