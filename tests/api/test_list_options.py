"""A list has filters and pages, and refuses invalid parameters and cursors."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.api.conftest import status_and_code
from tests.api.reading import PUBLIC_URL, RECEIVED_AT, Read, follow, list_ids, localize
from tests.kit.issuer import Issuer
from tests.storage.entries import make_entry as build_entry

FILTERED = [
    pytest.param("user_id=007", "ac", id="user"),
    pytest.param("user_id=%20007%20", "ac", id="trimmed-as-an-entry-is"),
    pytest.param("user_id=7", "", id="no-such-user"),
    pytest.param("user_id=007&user_id=008", "abc", id="several-users"),
    pytest.param("user_id=008&user_id=7&user_id=%20008", "b", id="some-unknown-or-repeated"),
    pytest.param("&".join(["user_id=7"] * 49 + ["user_id=007"]), "ac", id="as-many-users-as-possible"),
    pytest.param("project=Store%20Zero&project=Intranet", "abc", id="several-projects"),
    pytest.param(
        "user_id=007&user_id=7&project=Intranet&project=X", "a", id="a-user-and-a-project-of-several"
    ),
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
        "a": build_entry("week-19:a", date=first, project="Intranet"),
        "b": build_entry("week-19:b", date=second, user_id="008", project="Store Zero"),
        "c": build_entry("week-19:c", date=third, project="Store Zero"),
    }
    ids = [
        store(entry, received_at=RECEIVED_AT + timedelta(seconds=seconds))[0]
        for seconds, entry in enumerate(entries.values())
    ]

    listed = list_ids(read(f"/timesheets?{query}"))

    assert listed == [dict(zip(entries, ids, strict=True))[name] for name in found]


def test_a_date_of_a_filter_is_its_midnight_in_the_apis_zone(read: Read, store: Any, settings: Any) -> None:
    settings.TIMESHEETS_TIME_ZONE = "Europe/Berlin"
    dates = [datetime(2017, 5, 9, hour, 0, tzinfo=UTC) for hour in (21, 22)]
    _, late = store(*(build_entry(date=date) for date in dates))

    assert list_ids(read("/timesheets?date_from=2017-05-10")) == [late]


@pytest.mark.parametrize("order", ["", "order=newest&"])
def test_the_pages_together_are_the_list(read: Read, store: Any, order: str) -> None:
    ids = store(*(build_entry() for _ in range(25)))

    responses = list(follow(read, f"/timesheets?{order}page_size=10"))

    pages = [list_ids(page) for page in responses]
    assert [len(page) for page in pages] == [10, 10, 5]
    assert list(chain.from_iterable(pages)) == (ids[::-1] if order else ids)
    assert responses[0].headers["Link"] == f'<{responses[0].json()["next"]}>; rel="next"'
    assert "Link" not in responses[-1].headers


def test_a_page_has_a_hundred_entries_by_default(read: Read, store: Any) -> None:
    store(*(build_entry() for _ in range(1001)))

    assert len(list_ids(read())) == 100
    assert len(list_ids(read("/timesheets?page_size=1000"))) == 1000


def test_the_last_page_leads_to_entries_that_were_added_later(read: Read, store: Any) -> None:
    store(build_entry(), build_entry())
    *_, last = follow(read, "/timesheets?page_size=1")
    [added] = store(build_entry())

    again = read(last.wsgi_request.get_full_path())

    assert list_ids(again) == list_ids(last)
    assert list_ids(read(localize(again.json()["next"]))) == [added]


def test_the_next_page_has_the_same_filters(read: Read, store: Any) -> None:
    name = "M\u00fcller & S\u00f6hne"
    query = {"user_id": name, "date_from": "2017-05-10T00:00:00+02:00", "page_size": "1"}
    store(build_entry(user_id=name), build_entry(user_id=name), build_entry())

    response = read(f"/timesheets?{urlencode(query)}")

    following = dict(parse_qsl(urlsplit(response.json()["next"]).query))
    assert following.pop("cursor")
    assert following == query
    assert response.json()["next"].isascii()


def test_the_next_page_has_each_value_of_a_repeated_filter(read: Read, store: Any) -> None:
    ids = store(*(build_entry(user_id=user_id, project=f"{user_id} & 9") for user_id in "123123"))

    query = "user_id=1&user_id=3&user_id=1&project=3+%26+9&project=1+%26+9&page_size=3"
    first, last = follow(read, f"/timesheets?{query}")

    assert list_ids(first) + list_ids(last) == [ids[place] for place in (0, 2, 3, 5)]
    assert first.json()["next"].startswith(f"{PUBLIC_URL}/timesheets?{query}&cursor=")


def test_csv_newest_first_has_the_same_pages(read: Read, store: Any) -> None:
    third, second, first = store(build_entry(), build_entry(), build_entry())
    query = "/timesheets?order=newest&page_size=2"

    csv = read(query, Accept="text/csv")

    assert [line.split(",")[0] for line in csv.text.splitlines()] == ["id", f"{first}", f"{second}"]
    assert csv.headers["Link"] == read(query).headers["Link"]
    following = csv.headers["Link"].removeprefix("<").partition(">")[0]
    assert list_ids(read(localize(following))) == [third]


def test_the_url_of_the_next_page_ignores_the_host_header(read: Read, store: Any, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    store(build_entry(), build_entry())

    response = read("/timesheets?page_size=1", Host="stranger.example")

    assert response.json()["next"].startswith(f"{PUBLIC_URL}/timesheets?")


# The words of the refusal, and the queries.
REFUSED = {
    "The only parameters are user_id, ": ["limit=5", "format=csv", "User_id=007"],
    "entry_id: Send it once.": ["entry_id=1&entry_id=1"],
    "order: Send it once.": ["order=newest&order=newest"],
    "order: Send newest, or leave it out.": [f"order={it}" for it in ("oldest", "", "Newest", "newest%20")],
    "user_id: This field may not be blank.": ["user_id=1&user_id=", "user_id="],
    "project: Control characters": ["project=%00&project=1", "project=a%0Ab"],
    "user_id: Send at most 50 values.": ["&".join(["user_id=7"] * 51)],
    "project: Send at most 50 values.": ["&".join(["project=7"] * 51)],
    "user_id: Ensure this field has no more than 64": [f"user_id={'a' * 65}"],
    "project: Ensure this field has no more than 128": [f"project={'a' * 129}"],
    "user_id: Control characters": ["user_id=%00"],
    "entry_id: Send 1 to 128 of": ["entry_id=a%20b"],
    "Encode the parameters in UTF-8.": ["user_id=%FF", "user_id=%ED%A0%80"],
    "date_from: Send an RFC 3339 date-time": ["date_from=10.05.2017"],
    "date_to: There is no such day.": ["date_to=2017-02-30"],
    "date_from: Ensure the year": ["date_from=3000-01-01"],
    "date_from: Encode the + of a time zone as %2B": ["date_from=2017-05-10T00:00:00+02:00"],
    "received_since: Send an RFC 3339 date-time": ["received_since=yesterday"],
    "page_size: Send a number from 1 to 1000.": [
        f"page_size={size}"
        for size in ("0", "1001", "-1", "1.0", "%2B1", "010", "%201", "1_0", "%D9%A3", "9" * 5000, "", "all")
    ],
}
PROBLEMS = [
    *(pytest.param(query, [words], id=query[:40]) for words, queries in REFUSED.items() for query in queries),
    pytest.param(
        "page_size=0&user_id=%00&date_from=x&cursor=x&limit=1&entry_id=1&entry_id=2",
        ["The only parameters", "entry_id: Send it", "user_id: ", "date_from: ", "page_size: ", "cursor: "],
        id="all-at-once",
    ),
]


@pytest.mark.parametrize(("query", "details"), PROBLEMS)
def test_invalid_parameters_are_all_reported(read: Read, store: Any, query: str, details: list[str]) -> None:
    store(build_entry())

    response = read(f"/timesheets?{query}")

    assert status_and_code(response) == (400, "invalid_parameter")
    assert [detail for detail in details if detail not in response.json()["detail"]] == []


def test_the_name_of_an_unknown_parameter_is_not_repeated(read: Read) -> None:
    assert "marker" not in read("/timesheets?marker=marker").content.decode()


def find_cursor(read: Read, query: str = "page_size=1") -> str:
    next_url = str(read(f"/timesheets?{query}").json()["next"])
    return dict(parse_qsl(urlsplit(next_url).query))["cursor"]


DAMAGES: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "cut": lambda cursor: cursor[:-1],
    "longer": lambda cursor: f"{cursor}A",
    "reversed": lambda cursor: cursor[::-1],
    "padded": lambda cursor: f"{cursor}==",
    "far-away": lambda cursor: f"B{cursor[1:]}",
    "beyond-64-bits": lambda cursor: f"_{cursor[1:]}",
    "checksum": lambda cursor: f"{cursor[:-1]}{'B' if cursor[-1] == 'A' else 'A'}",
    "an-id": lambda _: "5",
    "no-ascii": lambda _: "\u00e9" * 16,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_cursor_is_refused(read: Read, store: Any, damage: Callable[[str], str]) -> None:
    store(build_entry(), build_entry())

    response = read(f"/timesheets?{urlencode({'cursor': damage(find_cursor(read))})}")

    assert status_and_code(response) == (400, "invalid_parameter")
    assert response.json()["detail"].startswith("cursor: ")


def test_every_character_of_a_cursor_is_checked(read: Read, store: Any) -> None:
    store(build_entry(), build_entry())
    cursor = find_cursor(read)

    changed = {
        f"{cursor[:place]}{'x' if cursor[place] != 'x' else 'y'}{cursor[place + 1 :]}" for place in range(16)
    }

    assert {read(f"/timesheets?cursor={other}").status_code for other in changed} == {400}


@pytest.mark.parametrize(("sent", "received"), [("", "order=newest&"), ("&order=newest", "")])
def test_a_cursor_of_the_other_order_is_refused(read: Read, store: Any, sent: str, received: str) -> None:
    store(build_entry(), build_entry())

    response = read(f"/timesheets?{received}cursor={find_cursor(read, f'page_size=1{sent}')}")

    assert status_and_code(response) == (400, "invalid_parameter")
    assert response.json()["detail"] == (
        "cursor: It is of a list in the other order. Send the URL of a next page unchanged."
    )


def test_a_cursor_from_before_there_were_two_orders_stays_valid(read: Read) -> None:
    assert list_ids(read("/timesheets?cursor=AAAAAAAAAAUVSCvm")) == []


def test_a_cursor_of_another_client_shows_none_of_its_entries(read: Read, store: Any, issuer: Issuer) -> None:
    own = store(build_entry(), build_entry())
    reporting = issuer.mint(azp="reporting", sub="reporting@clients", scope="read:timesheets")

    assert list_ids(read(f"/timesheets?cursor={find_cursor(read)}", token=reporting)) == []
    assert list_ids(read(f"/timesheets?cursor={find_cursor(read)}")) == own[1:]
