"""The page of the list says in words what it shows, and its links change one filter and keep the others."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.http import QueryDict

from timesheets.browser.filters import MAX_SHOWN, read_filters
from timesheets.views.parameters import MAX_VALUES

# A Wednesday.
TODAY = date(2017, 5, 10)


def read(query: str, today: date = TODAY) -> Mapping[str, Any]:
    return read_filters(QueryDict(query), today)


def list_pairs(address: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(address).query)


def test_without_filters_there_are_no_values() -> None:
    filters = read("")

    assert [filters[name] for name in ("user_ids", "projects", "chips", "kept")] == [[]] * 4
    assert filters["first"] == filters["last"] == ("", True)


def test_each_filter_has_words_and_a_link_to_the_page_without_it() -> None:
    filters = read("user_id=007&user_id=Li+Wei&project=R%26D,+tools&current=true&cursor=abc&page_size=5")

    words = ["Employee 007", "Employee Li Wei", "Project R&D, tools", "Only current"]
    rest = [("project", "R&D, tools"), ("current", "true"), ("page_size", "5")]
    assert [text for text, _ in filters["chips"]] == words
    assert list_pairs(filters["chips"][0][1]) == [("user_id", "Li Wei"), *rest]


MAY = "2017-05-01T08:00:00Z"
JUNE = "2017-05-31T17:00:00+02:00"


@pytest.mark.parametrize(
    ("date_from", "date_to", "last", "is_day", "words"),
    [
        ("2017-05-01", "2017-06-01", "2017-05-31", True, ["From 1 May 2017", "To 31 May 2017"]),
        (MAY, JUNE, JUNE, False, [f"From {MAY}", f"Before {JUNE}"]),
        ("2017-02-30", "0001-01-01", "0001-01-01", False, ["From 2017-02-30", "Before 0001-01-01"]),
    ],
    ids=["days", "times", "no-days"],
)
def test_a_period_is_shown_with_its_last_day_and_anything_else_as_it_was_sent(
    date_from: str, date_to: str, last: str, is_day: bool, words: list[str]
) -> None:
    filters = read(urlencode({"date_from": date_from, "date_to": date_to}))

    assert filters["first"] == (date_from, is_day)
    assert filters["last"] == (last, is_day)
    assert [text for text, _ in filters["chips"]] == words


@pytest.mark.parametrize(
    ("today", "starts", "ends"),
    [
        ("2017-05-10", "05-04 05-08 05-01 05-01 04-01", "05-11 05-15 05-08 06-01 05-01"),
        ("2018-01-01", "12-26 01-01 12-25 01-01 12-01", "01-02 01-08 01-01 02-01 01-01"),
        ("2024-03-31", "03-25 03-25 03-18 03-01 02-01", "04-01 04-01 03-25 04-01 03-01"),
    ],
    ids=["wednesday", "new-year", "sunday"],
)
def test_a_period_ends_with_the_day_after_it(today: str, starts: str, ends: str) -> None:
    day = date.fromisoformat(today)
    periods = read("", day)["periods"]

    found = [value.split("/") for _, value, _ in periods]
    texts = ["Last 7 days", "This week", "Last week", "This month", "Last month"]
    assert [text for text, *_ in periods] == texts
    assert " ".join(first[5:] for first, _ in found) == starts
    assert " ".join(end[5:] for _, end in found) == ends
    distances = [date.fromisoformat(limit) - day for limits in found for limit in limits]
    assert max(abs(distance.days) for distance in distances) < 62


def test_the_period_of_the_list_is_marked() -> None:
    periods = read("user_id=007&date_from=2017-05-08&date_to=2017-05-15&cursor=abc")["periods"]

    assert [is_current for *_, is_current in periods] == [False, True, False, False, False]


def test_what_the_form_has_no_field_for_is_kept() -> None:
    kept = {"as_of": "17", "order": "newest", "page_size": "5", "received_since": "2017-05-01"}

    filters = read(urlencode({**kept, "cursor": "abc", "nonsense": "1"}))

    assert dict(filters["kept"]) == kept
    assert [text for text, _ in filters["chips"]] == ["Received since 2017-05-01", "As of id 17"]


def test_a_query_of_hundreds_of_values_is_shown_in_part() -> None:
    """Each value has a link that holds all others, so the page would have megabytes."""
    filters = read("&".join([f"user_id={number}" for number in range(500)] + ["as_of=1"] * 400))

    assert len(filters["chips"]) == MAX_SHOWN + 1
    # Sent again, it is refused again.
    assert len(filters["user_ids"]) == MAX_SHOWN == MAX_VALUES + 1


@pytest.mark.parametrize("value", ["", "<script>", "%00", "\N{RIGHT-TO-LEFT OVERRIDE}"])
def test_any_value_survives_its_links(value: str) -> None:
    sent = QueryDict(mutable=True)
    sent.update({"user_id": value, "project": "x"})

    [*_, project] = read_filters(sent, TODAY)["chips"]

    expected: Any = [("user_id", value)] if value else []
    assert list_pairs(project[1]) == expected
