"""A client reads its own entries back, one by one or as a list, as JSON or CSV."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.api.reading import PUBLIC_URL, Read, build_entry, list_ids
from tests.api.test_errors import call_wsgi
from tests.kit.issuer import Issuer
from timesheets.models import Client as StoredClient

METADATA = f"{PUBLIC_URL}/.well-known/oauth-protected-resource"


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


def test_one_timesheet_or_none_is_available_as_csv(read: Read, store: Any) -> None:
    empty = read(Accept="text/csv").content.decode()
    [timesheet_id] = store(build_entry())

    head, row = read(f"/timesheets/{timesheet_id}", Accept="text/csv").content.decode().splitlines()

    assert f"{head}\r\n" == empty == "id,user_id,date,project,hours,entry_id,received_at\r\n"
    assert row.startswith(f"{timesheet_id},007,")


def test_csv_has_the_next_page_in_the_link_header(read: Read, store: Any) -> None:
    store(build_entry(), build_entry())

    response = read("/timesheets?page_size=1", Accept="text/csv")

    assert response.headers["Link"] == f'<{read("/timesheets?page_size=1").json()["next"]}>; rel="next"'


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        pytest.param(None, "application/json", id="nothing"),
        pytest.param("*/*", "application/json", id="anything"),
        pytest.param("application/json", "application/json", id="json"),
        pytest.param("text/*", "text/csv; charset=utf-8", id="any-text"),
        pytest.param("text/csv; charset=utf-8", "text/csv; charset=utf-8", id="csv-with-charset"),
        pytest.param("image/png, text/csv;q=0.5", "text/csv; charset=utf-8", id="csv-if-need-be"),
    ],
)
def test_accept_chooses_the_format(read: Read, accept: str | None, media_type: str) -> None:
    response = read(**{"Accept": accept} if accept else {})

    assert (response.status_code, response.headers["Content-Type"]) == (200, media_type)
    assert response.headers["Vary"] == "Accept"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/timesheets?page_size=0", 400, id="parameter"),
        pytest.param("/timesheets/1", 404, id="not-found"),
        pytest.param("/timesheets/01", 404, id="no-address"),
    ],
)
def test_errors_are_problems_even_if_csv_is_preferred(read: Read, path: str, status: int) -> None:
    response = read(path, Accept="text/csv")

    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == status


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

    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"


NO_IDS = "0 01 -1 +1 1.0 1e3 0x1 %D9%A1 a 1%0A 1%20 9223372036854775807 9223372036854775808"


@pytest.mark.parametrize("name", [*NO_IDS.split(), "9" * 5000])
@pytest.mark.parametrize("path", ["/timesheets", "/uploads"])
def test_a_path_without_a_valid_id_is_not_found(read: Read, path: str, name: str) -> None:
    response = read(f"{path}/{name}")

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/timesheets/", "/timesheets/1/"])
def test_a_trailing_slash_is_not_found(read: Read, path: str) -> None:
    assert read(path).status_code == 404


INVALID = ', error="invalid_token", error_description="The access token {}"'
INSUFFICIENT = ', error="insufficient_scope", scope="read:timesheets"'
REFUSED = [
    pytest.param(None, 401, "not_authenticated", "", id="no-token"),
    pytest.param({"exp": 10, "iat": 9}, 401, "invalid_token", INVALID.format("expired"), id="expired"),
    pytest.param(
        {"aud": "other"}, 401, "invalid_token", INVALID.format("is for another audience"), id="audience"
    ),
    pytest.param({"scope": "batch:upload"}, 403, "insufficient_scope", INSUFFICIENT, id="may-only-upload"),
    pytest.param(
        {"scope": "read:timesheets2 read"}, 403, "insufficient_scope", INSUFFICIENT, id="look-alikes"
    ),
]


@pytest.mark.parametrize("path", ["/timesheets", "/timesheets/{}"])
@pytest.mark.parametrize(("claims", "status", "code", "challenge"), REFUSED)
def test_without_the_right_token_nothing_is_read(
    read: Read,
    store: Any,
    issuer: Issuer,
    path: str,
    claims: dict[str, Any] | None,
    status: int,
    code: str,
    challenge: str,
) -> None:
    [timesheet_id] = store(build_entry())
    path = path.format(timesheet_id)
    token = None if claims is None else issuer.mint(**{"scope": "read:timesheets", **claims})

    response = read(f"{path}?unknown=1", token=token)

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["WWW-Authenticate"] == (
        f'Bearer realm="timesheets"{challenge}, resource_metadata="{METADATA}{path}"'
    )


@pytest.mark.parametrize("path", ["/timesheets", "/timesheets/12", "/uploads", "/uploads/17"])
def test_the_metadata_of_each_path_name_it_and_its_scope(read: Read, issuer: Issuer, path: str) -> None:
    response = read(f"/.well-known/oauth-protected-resource{path}", token=None)

    assert response.json() == {
        "resource": f"{PUBLIC_URL}{path}",
        "authorization_servers": [issuer.url],
        "scopes_supported": ["read:timesheets"],
        "bearer_methods_supported": ["header"],
    }


def test_the_metadata_do_not_reveal_which_timesheets_exist(read: Read, store: Any) -> None:
    [timesheet_id] = store(build_entry())

    there, not_there = (
        read(f"/.well-known/oauth-protected-resource/timesheets/{name}", token=None).json()
        for name in (timesheet_id, timesheet_id + 1)
    )

    assert not_there.pop("resource") == f"{PUBLIC_URL}/timesheets/{timesheet_id + 1}"
    assert there.pop("resource") == f"{PUBLIC_URL}/timesheets/{timesheet_id}"
    assert there == not_there


ORDER = [
    ({"PATH_INFO": "/timesheets/01"}, 404),
    ({"HTTP_ACCEPT": "image/png"}, 406),
    ({"HTTP_AUTHORIZATION": "Bearer a b"}, 400),
    ({"scope": "batch:upload"}, 403),
    ({"REQUEST_METHOD": "DELETE"}, 405),
    ({"QUERY_STRING": "unknown=1"}, 400),
    ({}, 404),
]


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_the_first_fault_decides_the_response(issuer: Issuer, db: None, first: int) -> None:
    faults: dict[str, Any] = {}
    for fault, _ in reversed(ORDER[first:]):
        faults |= fault
    token = issuer.mint(scope=faults.pop("scope", "read:timesheets"))

    status_line, _, problem = call_wsgi(
        **{
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/timesheets/1",
            "wsgi.input": io.BytesIO(),
            "HTTP_AUTHORIZATION": f"Bearer {token}",
            **faults,
        }
    )

    assert (int(status_line[:3]), problem["status"]) == (ORDER[first][1], ORDER[first][1])
