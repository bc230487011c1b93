"""People download all entries that the filters select, on all pages, as one file for spreadsheets."""

import csv
import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from tests.api.conftest import status_and_code
from tests.kit.django_client import ClientResponse
from tests.kit.issuer import Issuer
from tests.storage.entries import make_entry as build_entry
from timesheets.views import downloads
from timesheets.views.downloads import COLUMNS

Download = Callable[..., ClientResponse]
Store = Callable[..., list[int]]

PATH = "/timesheets/download"


@pytest.fixture
def download(issuer: Issuer, client: Client, settings: Any, db: None) -> Iterator[Download]:
    """Request the file with a token that may read, or with the given claims. Closes it at the end."""
    settings.TIMESHEETS_BROWSER_SIGN_IN = True
    settings.TIMESHEETS_TIME_ZONE = "Europe/Berlin"
    with ExitStack() as responses:

        def get(query: str = "", accept: str = "*/*", method: str = "GET", **claims: Any) -> ClientResponse:
            token = issuer.mint(**{"scope": "read:timesheets", **claims})
            headers = {"Authorization": f"Bearer {token}", "Accept": accept}
            response = client.generic(method, f"{PATH}{query}", headers=headers)
            responses.callback(response.close)
            return response

        yield get


def read_text(response: ClientResponse) -> str:
    assert response.status_code == 200, response.content
    assert response.headers["Content-Encoding"] == "gzip"
    return gzip.decompress(response.getvalue()).decode("utf-8-sig")


def read_rows(response: ClientResponse) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(read_text(response), newline="")))


def correct(revision: int, hours: object, reason: str) -> Any:
    return build_entry("a", revision=revision, hours=Decimal(str(hours)), reason=reason)


def test_a_row_says_what_an_entry_is_and_what_counts(download: Download, store: Store) -> None:
    store(build_entry("a", date=datetime(2017, 5, 9, 22, 0, tzinfo=UTC), hours=Decimal("7.5")))
    store(correct(2, "7.25", "Left early"))
    store(build_entry())
    store(correct(3, 0, "On holiday"))

    rows = read_rows(download())

    assert list(rows[0]) == list(COLUMNS)
    assert [tuple(row[name] for name in [*COLUMNS][1:10]) for row in rows] == [
        ("007", "2017-05-10", "StoreZero", "7.50", "0", "superseded", "a", "1", ""),
        ("007", "2017-05-10", "StoreZero", "7.25", "0", "superseded", "a", "2", "Left early"),
        ("007", "2017-05-10", "StoreZero", "5.00", "5.00", "current", "", "1", ""),
        ("007", "2017-05-10", "StoreZero", "0.00", "0", "withdrawn", "a", "3", "On holiday"),
    ]
    exact = "2017-05-10T19:40:20.095000+02:00"
    assert [row["date"] for row in rows] == ["2017-05-10T00:00:00+02:00", exact, exact, exact]
    assert {row["received_at"] for row in rows} == {"2017-05-12T08:00:00+02:00"}


def test_it_has_all_pages(download: Download, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("timesheets.views.downloads._PAGE_SIZE", 2)
    ids = store(*(build_entry(f"{number}") for number in range(7)))

    assert [row["id"] for row in read_rows(download("?page_size=1"))] == [str(row_id) for row_id in ids]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?user_id=008", "2"),
        ("?user_id=007&user_id=008", "124"),
        ("?date_to=2017-05-10", "3"),
        ("?current=true&order=newest", "432"),
        ("?as_of=3", "123"),
        ("?entry_id=none", ""),
    ],
)
def test_it_has_the_lists_filters(download: Download, store: Store, query: str, expected: str) -> None:
    earlier = datetime(2017, 5, 1, tzinfo=UTC)
    store(build_entry("a"), build_entry("b", user_id="008"), build_entry("c", user_id="009", date=earlier))
    store(correct(2, 4, "Left early"))

    assert [row["id"] for row in read_rows(download(query))] == [*expected]


def test_it_is_one_state_even_if_entries_arrive_meanwhile(download: Download, store: Store) -> None:
    store(build_entry("a"))
    response = download()
    store(build_entry("b"), correct(2, 4, "Left early"))

    [row] = read_rows(response)

    assert (row["entry_id"], row["state"]) == ("a", "current")


def test_an_empty_table_is_a_file_with_a_header(download: Download) -> None:
    assert read_text(download()) == ",".join(COLUMNS) + "\r\n"


def test_a_spreadsheet_runs_no_cell(download: Download, store: Store) -> None:
    store(build_entry(user_id="=1+1", project="@SUM(A1)"))

    [row] = read_rows(download())

    assert (row["user_id"], row["project"]) == ("'=1+1", "'@SUM(A1)")


def test_it_is_an_attachment_that_no_cache_keeps_and_head_is_none(download: Download, store: Store) -> None:
    store(build_entry())

    response = download(accept="text/html,*/*;q=0.8")
    head = download(method="HEAD")

    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="timesheets-20')
    assert response.headers["Cache-Control"] == "no-store"
    assert (head.status_code, head.getvalue()) == (200, b"")


@pytest.mark.parametrize("query", ["?as_of=99", "?as_of=0", "?nonsense=1"])
def test_a_problem_is_no_file(download: Download, store: Store, query: str) -> None:
    store(build_entry())

    wrong, refused = download(query, accept="text/csv"), download(accept="text/csv", scope="batch:upload")

    assert status_and_code(wrong) == (400, "invalid_parameter")
    assert status_and_code(refused) == (403, "insufficient_scope")
    for response in (wrong, refused):
        assert "Content-Disposition" not in response.headers


@pytest.mark.usefixtures("with_pages")
def test_a_problem_is_a_page_for_people_with_the_form_as_it_was_sent(download: Download) -> None:
    response = download("?user_id=007&date_from=banana", accept="text/html")

    assert response.status_code == 400
    assert 'name="user_id" value="007"' in response.content.decode()
    assert 'name="date_from" value="banana"' in response.content.decode()


def test_without_a_token_it_is_a_401(client: Client, settings: Any, db: None) -> None:
    settings.TIMESHEETS_BROWSER_SIGN_IN = True

    response = client.get(PATH)

    assert response.status_code == 401
    assert f'oauth-protected-resource{PATH}"' in response.headers["WWW-Authenticate"]


def test_it_exists_only_where_people_sign_in(download: Download, settings: Any) -> None:
    settings.TIMESHEETS_BROWSER_SIGN_IN = False

    assert status_and_code(download()) == (404, "not_found")


def test_another_clients_entries_are_not_in_it(download: Download, store: Store) -> None:
    store(build_entry(project="Secret"))

    assert read_rows(download(azp="reporting")) == []


def test_a_database_that_fails_before_the_file_begins_is_a_problem(download: Download, store: Store) -> None:
    store(build_entry())

    def fail(execute: Any, sql: str, *arguments: Any) -> Any:
        if "superseded" in sql or "scanned" in sql:
            raise OperationalError("the connection was lost")
        return execute(sql, *arguments)

    with connection.execute_wrapper(fail):
        response = download()

    assert status_and_code(response) == (503, "database_unavailable")


def test_downloads_leave_threads_to_others(download: Download, store: Store) -> None:
    """Each one takes a place until it is closed, also if nobody reads it."""
    store(build_entry())
    clients = [f"client-{number // 2}" for number in range(downloads.MAX_DOWNLOADS)]
    running = [download(azp=client) for client in clients]

    refused = download()

    assert status_and_code(refused) == (503, "overloaded")
    assert refused.headers["Retry-After"] == "5"
    running[0].close()
    assert read_rows(download()) != []


def test_a_client_that_reads_nothing_leaves_downloads_to_others(download: Download) -> None:
    running = [download() for _ in range(downloads.MAX_DOWNLOADS_OF_A_CLIENT)]

    assert status_and_code(download()) == (503, "overloaded")
    assert download(azp="reporting").status_code == 200
    running[0].close()
    assert download().status_code == 200


def test_a_download_that_fails_leaves_its_place(download: Download, store: Store) -> None:
    store(build_entry())

    assert {download("?as_of=99").status_code for _ in range(downloads.MAX_DOWNLOADS + 1)} == {400}
    assert download().status_code == 200
