"""A client reads its own entries back, one by one or page by page, as JSON or CSV."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client

from tests.issuer import Issuer
from tests.server.test_errors import call
from timesheets.models import Client as StoredClient
from timesheets.storage.entries import Entry
from timesheets.storage.ingest import ingest_entries
from timesheets.trust.principals import MachineClient

PUBLIC_URL = "https://timesheets.example.com"
METADATA = f"{PUBLIC_URL}/.well-known/oauth-protected-resource"
RECEIVED_AT = datetime(2017, 5, 12, 6, 0, tzinfo=UTC)

Read = Callable[..., HttpResponse]


@pytest.fixture
def read(issuer: Issuer, client: Client, db: None) -> Read:
    """Request a path with a token that may read, or with the given token."""

    def get(path: str = "/timesheets", *, token: str | None = "good", method: str = "GET", **headers: str):
        if token is not None:
            bearer = issuer.mint(scope="read:timesheets") if token == "good" else token
            headers["Authorization"] = f"Bearer {bearer}"
        return client.generic(method, path, headers=headers)

    return get


@pytest.fixture
def store(issuer: Issuer, db: None) -> Callable[..., list[int]]:
    """Store entries for a client, by default the one that reads. Returns their ids."""

    def ingest(*entries: Entry, received_at: datetime = RECEIVED_AT, **client: Any) -> list[int]:
        stored_for = MachineClient(
            **{"issuer": issuer.url, "client_id": "payroll", "subject": "payroll@clients", **client}
        )
        return [verdict.timesheet_id for verdict in ingest_entries(stored_for, entries, received_at)]

    return ingest


def make_entry(entry_id: str | None = None, **changes: Any) -> Entry:
    content = {
        "user_id": "007",
        "date": datetime(2017, 5, 10, 17, 40, 20, 95000, tzinfo=UTC),
        "project": "StoreZero",
        "hours": Decimal(5),
    }
    return Entry(**{**content, **changes}, entry_id=entry_id)


def list_ids(response: HttpResponse) -> list[int]:
    assert response.status_code == 200, response.content
    return [timesheet["id"] for timesheet in response.json()["results"]]


def localize(url: str) -> str:
    """The path and query of a URL of the API."""
    assert url.startswith(f"{PUBLIC_URL}/")
    return url.removeprefix(PUBLIC_URL)


def follow(read: Read, path: str) -> Iterator[HttpResponse]:
    """The page at `path`, and all pages after it."""
    while True:
        response = read(path)
        yield response
        following = response.json()["next"]
        if following is None:
            return
        path = localize(following)


def test_an_entry_is_read_back_as_the_upload_returned_it(read: Read, upload: Any) -> None:
    entry = {"user_id": "007", "date": "2017-05-10T17:40:20.095Z", "project": "StoreZero", "hours": 5}
    created = upload({**entry, "entry_id": "week-19:1"}).json()

    answer = read(f"/timesheets/{created['id']}").json()

    received_at = answer.pop("received_at")
    created.pop("message")
    assert answer == created
    assert list(created) == ["id", "user_id", "date", "project", "hours", "entry_id"]
    assert abs(datetime.now(UTC) - datetime.fromisoformat(received_at)) < timedelta(minutes=1)
    assert received_at.endswith("Z")


def test_an_entry_without_an_entry_id_is_read_without_one(read: Read, store: Any) -> None:
    [timesheet_id] = store(make_entry(hours=Decimal("7.25")))

    assert read(f"/timesheets/{timesheet_id}").json() == {
        "id": timesheet_id,
        "user_id": "007",
        "date": "2017-05-10T17:40:20.095Z",
        "project": "StoreZero",
        "hours": 7.25,
        "received_at": "2017-05-12T06:00:00Z",
    }


def test_the_list_is_ordered_by_id_and_equals_the_single_entries(read: Read, store: Any) -> None:
    ids = store(make_entry("b"), make_entry("a"), make_entry())

    answer = read().json()

    assert answer["next"] is None
    assert [result["id"] for result in answer["results"]] == sorted(ids)
    assert answer["results"] == [read(f"/timesheets/{timesheet_id}").json() for timesheet_id in sorted(ids)]


def test_a_client_without_uploads_gets_an_empty_list_and_is_not_stored(read: Read) -> None:
    response = read()

    assert response.json() == {"results": [], "next": None}
    assert not StoredClient.objects.exists()


STRANGERS = [
    pytest.param({"client_id": "reporting"}, id="another-client"),
    pytest.param({"issuer": "https://stranger.example/"}, id="the-same-client-id-of-another-issuer"),
]


@pytest.mark.parametrize("stranger", STRANGERS)
def test_entries_of_another_client_are_not_found(read: Read, store: Any, stranger: dict[str, str]) -> None:
    [foreign] = store(make_entry("week-19:1"), **stranger)
    [own] = store(make_entry("week-19:2"))

    alone, none = read(f"/timesheets/{foreign}"), read(f"/timesheets/{own + 1000}")

    assert (alone.status_code, alone.json()["code"]) == (404, "not_found")
    assert alone.json()["detail"].replace(str(foreign), "-") == none.json()["detail"].replace(
        str(own + 1000), "-"
    )
    assert list_ids(read()) == [own]
    assert list_ids(read("/timesheets?entry_id=week-19:1")) == []


def test_a_user_reads_all_entries_of_the_client(read: Read, store: Any, issuer: Issuer) -> None:
    ids = store(make_entry(), subject="payroll@clients")

    assert list_ids(read(token=issuer.mint(sub="auth0|jane", scope="read:timesheets"))) == ids


FILTERED = [
    pytest.param("user_id=007", "ac", id="user"),
    pytest.param("user_id=%20007%20", "ac", id="trimmed-as-an-entry-is"),
    pytest.param("user_id=7", "", id="no-such-user"),
    pytest.param("project=Store%20Zero", "bc", id="project"),
    pytest.param("project=Store+Zero", "bc", id="plus-is-a-space"),
    pytest.param("project=store%20zero", "", id="exact-case"),
    pytest.param("entry_id=week-19:b", "b", id="entry-id"),
    pytest.param("entry_id=week-19:b&user_id=007", "", id="entry-id-of-another-user"),
    pytest.param("date_from=2017-05-11T00:00:00Z", "bc", id="from-inclusive"),
    pytest.param("date_from=2017-05-11T00:00:00.000001Z", "c", id="from-a-microsecond-later"),
    pytest.param("date_to=2017-05-11", "a", id="to-exclusive"),
    pytest.param("date_to=2017-05-11T00:00:00.000001Z", "ab", id="to-a-microsecond-later"),
    pytest.param("date_from=2017-05-11&date_to=2017-05-12", "b", id="one-day"),
    pytest.param("date_from=2017-05-11T02:00:00%2B02:00", "bc", id="from-with-a-zone"),
    pytest.param("date_from=2017-05-12&date_to=2017-05-11", "", id="range-of-nothing"),
    pytest.param("received_since=2017-05-12T06:00:01Z", "bc", id="received-inclusive"),
    pytest.param("received_since=2017-05-12T06:00:01.5Z", "c", id="received-later"),
    pytest.param("user_id=007&project=Store%20Zero&date_from=1900-01-01", "c", id="together"),
]


@pytest.mark.parametrize(("query", "found"), FILTERED)
def test_a_filter_selects_matching_entries(read: Read, store: Any, query: str, found: str) -> None:
    first, second, third = (datetime(2017, 5, day, tzinfo=UTC) for day in (10, 11, 12))
    entries = {
        "a": make_entry("week-19:a", date=first, project="Intranet"),
        "b": make_entry("week-19:b", date=second, user_id="008", project="Store Zero"),
        "c": make_entry("week-19:c", date=third, project="Store Zero"),
    }
    ids = [
        store(entry, received_at=RECEIVED_AT + timedelta(seconds=seconds))[0]
        for seconds, entry in enumerate(entries.values())
    ]

    answered = list_ids(read(f"/timesheets?{query}"))

    assert answered == [dict(zip(entries, ids, strict=True))[name] for name in found]


def test_a_date_of_a_filter_means_its_midnight_in_the_apis_zone(
    read: Read, store: Any, settings: Any
) -> None:
    settings.TIMESHEETS_TIME_ZONE = "Europe/Berlin"
    moments = [datetime(2017, 5, 9, hour, 0, tzinfo=UTC) for hour in (21, 22)]
    _, late = store(*(make_entry(date=moment) for moment in moments))

    assert list_ids(read("/timesheets?date_from=2017-05-10")) == [late]


def test_the_pages_together_are_the_list(read: Read, store: Any) -> None:
    ids = store(*(make_entry() for _ in range(25)))

    pages = [list_ids(page) for page in follow(read, "/timesheets?page_size=10")]

    assert [len(page) for page in pages] == [10, 10, 5]
    assert list(chain.from_iterable(pages)) == ids


def test_a_full_last_page_has_no_next_page(read: Read, store: Any) -> None:
    store(*(make_entry() for _ in range(20)))

    assert [len(list_ids(page)) for page in follow(read, "/timesheets?page_size=10")] == [10, 10]


def test_a_page_has_a_hundred_entries_by_default(read: Read, store: Any) -> None:
    store(*(make_entry() for _ in range(1001)))

    assert len(list_ids(read())) == 100
    assert len(list_ids(read("/timesheets?page_size=1000"))) == 1000


def test_pages_stay_stable_while_entries_are_added(read: Read, store: Any) -> None:
    ids = store(*(make_entry() for _ in range(5)))
    seen: list[int] = []

    for page in follow(read, "/timesheets?page_size=2"):
        seen += list_ids(page)
        if len(ids) < 9:
            ids += store(make_entry(), make_entry())
            store(make_entry(), client_id="reporting")

    assert seen == ids


def test_the_last_page_leads_to_entries_that_were_added_later(read: Read, store: Any) -> None:
    store(make_entry(), make_entry())
    *_, last = follow(read, "/timesheets?page_size=1")
    [added] = store(make_entry())

    again = read(last.wsgi_request.get_full_path())

    assert list_ids(again) == list_ids(last)
    assert list_ids(read(localize(again.json()["next"]))) == [added]


def test_the_next_page_has_the_same_filters(read: Read, store: Any) -> None:
    query = {
        "user_id": "M\u00fcller & S\u00f6hne",
        "date_from": "2017-05-10T00:00:00+02:00",
        "page_size": "1",
    }
    store(*(make_entry(user_id=query["user_id"]) for _ in range(2)), make_entry())

    response = read(f"/timesheets?{urlencode(query)}")

    following = dict(parse_qsl(urlsplit(response.json()["next"]).query))
    assert following.pop("cursor")
    assert following == query
    assert response.json()["next"].isascii()


def test_the_next_page_is_also_in_a_link_header(read: Read, store: Any) -> None:
    store(make_entry(), make_entry())

    first = read("/timesheets?page_size=1")
    last = read(localize(first.json()["next"]))

    assert first.headers["Link"] == f'<{first.json()["next"]}>; rel="next"'
    assert "Link" not in last.headers


def test_the_url_of_the_next_page_ignores_the_host_header(read: Read, store: Any, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    store(make_entry(), make_entry())

    response = read("/timesheets?page_size=1", Host="stranger.example")

    assert response.json()["next"].startswith(f"{PUBLIC_URL}/timesheets?")


def test_the_list_is_available_as_csv(read: Read, store: Any) -> None:
    first, second = store(
        make_entry(),
        make_entry("week-19:1", user_id="=1+1", project='Store, "Zero"', hours=Decimal("7.5")),
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
    store(*(make_entry(user_id=name, project=name) for name in names))

    rows = list(csv.DictReader(io.StringIO(read(Accept="text/csv").content.decode(), newline="")))

    results = read().json()["results"]
    assert [row["user_id"] for row in rows] == [result["user_id"] for result in results] == names
    assert [{name: text for name, text in row.items() if text} for row in rows] == [
        {name: str(value) for name, value in result.items()} for result in results
    ]


def test_one_timesheet_is_available_as_csv(read: Read, store: Any) -> None:
    [timesheet_id] = store(make_entry())

    lines = read(f"/timesheets/{timesheet_id}", Accept="text/csv").content.decode().splitlines()

    assert lines[0] == "id,user_id,date,project,hours,entry_id,received_at"
    assert lines[1].startswith(f"{timesheet_id},007,")
    assert len(lines) == 2


def test_an_empty_list_as_csv_is_a_bare_header(read: Read) -> None:
    assert read(Accept="text/csv").content == b"id,user_id,date,project,hours,entry_id,received_at\r\n"


def test_csv_has_the_next_page_in_the_link_header(read: Read, store: Any) -> None:
    store(make_entry(), make_entry())

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
    [timesheet_id] = store(make_entry())
    path = path.format(timesheet_id)

    head, get = read(path, method="HEAD"), read(path)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    assert head.headers["Content-Length"] == str(len(get.content))


@pytest.mark.parametrize("path", ["/timesheets", "/timesheets/1"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "BREW"])
def test_stored_entries_are_read_only(read: Read, path: str, method: str) -> None:
    response = read(f"{path}?unknown=1", method=method)

    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"


PROBLEMS = [
    pytest.param("limit=5", ["The only parameters are user_id, "], id="unknown"),
    pytest.param("format=csv", ["The only parameters are user_id, "], id="format"),
    pytest.param("User_id=007", ["The only parameters are user_id, "], id="case"),
    pytest.param("user_id=1&user_id=1", ["user_id: Send it once."], id="twice"),
    pytest.param("user_id=", ["user_id: This field may not be blank."], id="blank"),
    pytest.param(f"user_id={'a' * 65}", ["user_id: Ensure this field has no more than 64"], id="long-user"),
    pytest.param(f"project={'a' * 129}", ["project: Ensure this field has no more than 128"], id="long"),
    pytest.param("user_id=%00", ["user_id: Control characters"], id="nul"),
    pytest.param("project=a%0Ab", ["project: Control characters"], id="line-feed"),
    pytest.param("entry_id=a%20b", ["entry_id: Send 1 to 128 of"], id="entry-id"),
    pytest.param("user_id=%FF", ["Encode the parameters in UTF-8."], id="no-utf-8"),
    pytest.param("user_id=%ED%A0%80", ["Encode the parameters in UTF-8."], id="half-a-surrogate"),
    pytest.param("date_from=10.05.2017", ["date_from: Send an RFC 3339 date-time"], id="date"),
    pytest.param("date_to=2017-02-30", ["date_to: There is no such day."], id="no-such-day"),
    pytest.param("date_from=3000-01-01", ["date_from: Ensure the year"], id="year"),
    pytest.param(
        "date_from=2017-05-10T00:00:00+02:00",
        ["date_from: Encode the + of a time zone as %2B"],
        id="bare-plus",
    ),
    pytest.param("received_since=yesterday", ["received_since: Send an RFC 3339 date-time"], id="received"),
    *(
        pytest.param(
            f"page_size={size}", ["page_size: Send a number from 1 to 1000."], id=f"page-size-{name}"
        )
        for name, size in {
            "zero": "0",
            "too-large": "1001",
            "negative": "-1",
            "point": "1.0",
            "plus": "%2B1",
            "zeros": "010",
            "space": "%201",
            "underscore": "1_0",
            "arabic": "%D9%A3",
            "huge": "9" * 5000,
            "blank": "",
            "word": "all",
        }.items()
    ),
    pytest.param(
        "page_size=0&user_id=%00&date_from=x&cursor=x&limit=1&entry_id=1&entry_id=2",
        ["The only parameters", "entry_id: Send it", "user_id: ", "date_from: ", "page_size: ", "cursor: "],
        id="all-at-once",
    ),
]


@pytest.mark.parametrize(("query", "details"), PROBLEMS)
def test_all_invalid_parameters_are_reported_at_once(
    read: Read, store: Any, query: str, details: list[str]
) -> None:
    store(make_entry())

    response = read(f"/timesheets?{query}")

    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
    assert [detail for detail in details if detail not in response.json()["detail"]] == []


def test_the_name_of_an_unknown_parameter_is_not_repeated(read: Read) -> None:
    assert "marker" not in read("/timesheets?marker=marker").content.decode()


def test_one_timesheet_takes_no_parameters(read: Read, store: Any) -> None:
    [timesheet_id] = store(make_entry())

    response = read(f"/timesheets/{timesheet_id}?format=csv")

    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")


def find_cursor(read: Read) -> str:
    return dict(parse_qsl(urlsplit(read("/timesheets?page_size=1").json()["next"]).query))["cursor"]


DAMAGES = [
    pytest.param(lambda _: "", id="empty"),
    pytest.param(lambda cursor: cursor[:-1], id="cut"),
    pytest.param(lambda cursor: f"{cursor}A", id="longer"),
    pytest.param(lambda cursor: cursor[::-1], id="reversed"),
    pytest.param(lambda cursor: f"{cursor}==", id="padded"),
    pytest.param(lambda cursor: f"B{cursor[1:]}", id="far-away"),
    pytest.param(lambda cursor: f"_{cursor[1:]}", id="beyond-64-bits"),
    pytest.param(lambda cursor: f"{cursor[:-1]}{'B' if cursor[-1] == 'A' else 'A'}", id="checksum"),
    pytest.param(lambda _: "5", id="an-id"),
    pytest.param(lambda _: "\u00e9" * 16, id="no-ascii"),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_cursor_is_refused(read: Read, store: Any, damage: Callable[[str], str]) -> None:
    store(make_entry(), make_entry())

    response = read(f"/timesheets?{urlencode({'cursor': damage(find_cursor(read))})}")

    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
    assert response.json()["detail"].startswith("cursor: ")


def test_every_character_of_a_cursor_is_checked(read: Read, store: Any) -> None:
    store(make_entry(), make_entry())
    cursor = find_cursor(read)

    changed = {
        f"{cursor[:place]}{'x' if cursor[place] != 'x' else 'y'}{cursor[place + 1 :]}" for place in range(16)
    }

    assert {read(f"/timesheets?cursor={other}").status_code for other in changed} == {400}


def test_a_cursor_of_another_client_shows_none_of_its_entries(read: Read, store: Any, issuer: Issuer) -> None:
    own = store(make_entry(), make_entry())
    reporting = issuer.mint(azp="reporting", sub="reporting@clients", scope="read:timesheets")

    assert list_ids(read(f"/timesheets?cursor={find_cursor(read)}", token=reporting)) == []
    assert list_ids(read(f"/timesheets?cursor={find_cursor(read)}")) == own[1:]


@pytest.mark.parametrize(
    "name",
    [
        "0",
        "01",
        "-1",
        "+1",
        "1.0",
        "1e3",
        "0x1",
        "%D9%A1",
        "a",
        "1%0A",
        "1%20",
        "9223372036854775808",
        "9" * 5000,
    ],
)
def test_a_path_without_a_valid_id_is_not_found(read: Read, name: str) -> None:
    response = read(f"/timesheets/{name}")

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_the_highest_possible_id_is_not_found(read: Read) -> None:
    response = read(f"/timesheets/{2**63 - 1}")

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/timesheets/", "/timesheets/1/"])
def test_a_trailing_slash_is_not_found(read: Read, path: str) -> None:
    assert read(path).status_code == 404


REFUSED = [
    pytest.param(None, 401, "not_authenticated", "", id="no-token"),
    pytest.param(
        {"exp": 1_000_000_000, "iat": 999_999_000},
        401,
        "invalid_token",
        ', error="invalid_token", error_description="The access token expired"',
        id="expired",
    ),
    pytest.param(
        {"aud": "other"},
        401,
        "invalid_token",
        ', error="invalid_token", error_description="The access token is for another audience"',
        id="another-audience",
    ),
    pytest.param(
        {"scope": "batch:upload"},
        403,
        "insufficient_scope",
        ', error="insufficient_scope", scope="read:timesheets"',
        id="may-only-upload",
    ),
    pytest.param(
        {"scope": "read:timesheets2 read"},
        403,
        "insufficient_scope",
        ', error="insufficient_scope", scope="read:timesheets"',
        id="scopes-that-look-alike",
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
    [timesheet_id] = store(make_entry())
    path = path.format(timesheet_id)
    token = None if claims is None else issuer.mint(**{"scope": "read:timesheets", **claims})

    response = read(f"{path}?unknown=1", token=token)

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["WWW-Authenticate"] == (
        f'Bearer realm="timesheets"{challenge}, resource_metadata="{METADATA}{path}"'
    )


@pytest.mark.parametrize("path", ["/timesheets", "/timesheets/12"])
def test_the_metadata_of_each_path_name_it_and_its_scope(read: Read, issuer: Issuer, path: str) -> None:
    response = read(f"/.well-known/oauth-protected-resource{path}", token=None)

    assert response.json() == {
        "resource": f"{PUBLIC_URL}{path}",
        "authorization_servers": [issuer.url],
        "scopes_supported": ["read:timesheets"],
        "bearer_methods_supported": ["header"],
    }


def test_the_metadata_do_not_reveal_which_timesheets_exist(read: Read, store: Any) -> None:
    [timesheet_id] = store(make_entry())

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

    answered, _, problem = call(
        **{
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/timesheets/1",
            "wsgi.input": io.BytesIO(),
            "HTTP_AUTHORIZATION": f"Bearer {token}",
            **faults,
        }
    )

    assert (int(answered[:3]), problem["status"]) == (ORDER[first][1], ORDER[first][1])


def test_too_many_parameters_for_django_are_a_bad_request(read: Read) -> None:
    response = read(f"/timesheets?{'a=1&' * 1001}")

    assert response.status_code == 400
    assert json.loads(response.content)["status"] == 400
