"""A client reads its own entries back, one by one or as a list, as JSON or CSV."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.api.conftest import status_and_code
from tests.api.reading import PUBLIC_URL, Read, list_ids
from tests.kit.issuer import Issuer
from tests.storage.entries import make_entry as build_entry
from timesheets.models import Client as StoredClient


def test_an_entry_is_read_back_as_the_upload_returned_it(read: Read, upload: Any) -> None:
    entry = {"user_id": "007", "date": "2017-05-10T17:40:20.095Z", "project": "StoreZero", "hours": 5}
    created = upload({**entry, "entry_id": "week-19:1"}).json()

    body = read(f"/timesheets/{created['id']}").json()

    received_at = body.pop("received_at")
    created.pop("message")
    assert body == created
    assert list(created) == ["id", "user_id", "date", "project", "hours", "entry_id"]
    assert abs(datetime.now(UTC) - datetime.fromisoformat(received_at)) < timedelta(minutes=1)
    assert received_at.endswith("Z")


def test_an_entry_without_an_entry_id_is_read_without_one(read: Read, store: Any) -> None:
    [timesheet_id] = store(build_entry(hours=Decimal("7.25")))

    assert read(f"/timesheets/{timesheet_id}").json() == {
        "id": timesheet_id,
        "user_id": "007",
        "date": "2017-05-10T17:40:20.095Z",
        "project": "StoreZero",
        "hours": 7.25,
        "received_at": "2017-05-12T06:00:00Z",
    }


def test_the_list_is_ordered_by_id_and_equals_the_single_entries(read: Read, store: Any) -> None:
    ids = store(build_entry("b"), build_entry("a"), build_entry())

    body = read().json()

    assert body["next"] is None
    assert [result["id"] for result in body["results"]] == sorted(ids)
    assert body["results"] == [read(f"/timesheets/{timesheet_id}").json() for timesheet_id in sorted(ids)]


def test_a_client_without_uploads_gets_an_empty_list_and_is_not_stored(read: Read) -> None:
    assert read().json() == {"results": [], "next": None}
    assert not StoredClient.objects.exists()


STRANGERS = [
    pytest.param({"client_id": "reporting"}, id="another-client"),
    pytest.param({"issuer": "https://stranger.example/"}, id="the-same-client-id-of-another-issuer"),
]


@pytest.mark.parametrize("stranger", STRANGERS)
def test_entries_of_another_client_are_not_found(read: Read, store: Any, stranger: dict[str, str]) -> None:
    [foreign] = store(build_entry("week-19:1"), **stranger)
    [own] = store(build_entry("week-19:2"))

    alone, none = read(f"/timesheets/{foreign}"), read(f"/timesheets/{own + 1000}")

    assert (alone.status_code, alone.json()["code"]) == (404, "not_found")
    assert alone.json()["detail"].replace(str(foreign), "-") == none.json()["detail"].replace(
        str(own + 1000), "-"
    )
    assert list_ids(read()) == [own]
    assert list_ids(read("/timesheets?entry_id=week-19:1")) == []


def test_a_user_reads_all_entries_of_the_client(read: Read, store: Any, issuer: Issuer) -> None:
    ids = store(build_entry(), subject="payroll@clients")

    assert list_ids(read(token=issuer.mint(sub="auth0|jane", scope="read:timesheets"))) == ids


def test_the_list_is_available_as_csv(read: Read, store: Any) -> None:
    first, second = store(
        build_entry(), build_entry("week-19:1", user_id="=1+1", project='Store, "Zero"', hours=Decimal("7.5"))
    )

    response = read(Accept="text/csv")

    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.content.decode() == (
        "id,user_id,date,project,hours,entry_id,received_at\r\n"
        f"{first},007,2017-05-10T17:40:20.095Z,StoreZero,5,,2017-05-12T06:00:00Z\r\n"
        f'{second},=1+1,2017-05-10T17:40:20.095Z,"Store, ""Zero""",7.5,week-19:1,2017-05-12T06:00:00Z\r\n'
    )


def test_csv_has_the_same_values_as_json(read: Read, store: Any) -> None:
    names = ["\u00dc\u2028ber", "-5", "@x", " a ".strip(), "a,b", 'a"b', "'a", "\N{PILE OF POO}"]
    store(*(build_entry(user_id=name, project=name) for name in names))

    rows = list(csv.DictReader(io.StringIO(read(Accept="text/csv").content.decode(), newline="")))

    results = read().json()["results"]
    assert [row["user_id"] for row in rows] == [result["user_id"] for result in results] == names
    assert [{name: text for name, text in row.items() if text} for row in rows] == [
        {name: str(value) for name, value in result.items()} for result in results
    ]


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        *((accept, "application/json") for accept in (None, "*/*", "application/json")),
        *((accept, "text/csv; charset=utf-8") for accept in ("text/*", "text/csv; charset=utf-8")),
        ("image/png, text/csv;q=0.5", "text/csv; charset=utf-8"),
        ("text/csv;q=0.1, application/json", "application/json"),
        ("text/csv, application/json;q=0.9", "text/csv; charset=utf-8"),
    ],
)
def test_accept_chooses_the_format(read: Read, accept: str | None, media_type: str) -> None:
    response = read(**{"Accept": accept} if accept else {})

    assert (response.status_code, response.headers["Content-Type"]) == (200, media_type)
    assert response.headers["Vary"] == "Accept"
    assert status_and_code(read(Accept="text/csv;q=0")) == (406, "not_acceptable")


@pytest.mark.parametrize(
    ("path", "status"), [("/timesheets?page_size=0", 400), ("/timesheets/1", 404), ("/timesheets/01", 404)]
)
def test_errors_are_problems_even_if_csv_is_preferred(read: Read, path: str, status: int) -> None:
    response = read(path, Accept="text/csv")

    assert (response.status_code, response.json()["status"]) == (status, status)
    assert response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/timesheets", "/timesheets/{}"])
def test_head_is_get_without_a_body(read: Read, store: Any, path: str) -> None:
    [timesheet_id] = store(build_entry())
    path = path.format(timesheet_id)

    head, get = read(path, method="HEAD"), read(path)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    assert head.headers["Content-Length"] == str(len(get.content))


@pytest.mark.parametrize("path", ["/timesheets", "/timesheets/1", "/uploads", "/uploads/17"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "BREW"])
def test_stored_entries_are_read_only(read: Read, path: str, method: str) -> None:
    response = read(f"{path}?unknown=1", method=method)

    assert status_and_code(response) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"


NO_IDS = "1/ 0 01 -1 +1 1.0 1e3 0x1 %D9%A1 a 1%0A 1%20 9223372036854775807 9223372036854775808"


@pytest.mark.parametrize("name", [*NO_IDS.split(), "9" * 5000])
@pytest.mark.parametrize("path", ["/timesheets", "/uploads"])
def test_a_path_without_a_valid_id_is_not_found(read: Read, path: str, name: str) -> None:
    response = read(f"{path}/{name}")

    assert status_and_code(response) == (404, "not_found")


def test_the_metadata_do_not_reveal_which_timesheets_exist(read: Read, store: Any) -> None:
    [timesheet_id] = store(build_entry())

    there, not_there = (
        read(f"/.well-known/oauth-protected-resource/timesheets/{name}", token=None).json()
        for name in (timesheet_id, timesheet_id + 1)
    )

    assert not_there.pop("resource") == f"{PUBLIC_URL}/timesheets/{timesheet_id + 1}"
    assert there.pop("resource") == f"{PUBLIC_URL}/timesheets/{timesheet_id}"
    assert there == not_there
