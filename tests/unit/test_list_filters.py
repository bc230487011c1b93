"""The page of the list says in words what it shows, and its links change one filter and keep the others."""

from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.http import QueryDict

from timesheets.browser.filters import MAX_SHOWN, Filters, Limit, read_filters
from timesheets.views.list_options import MAX_VALUES

# A Wednesday.
TODAY = date(2017, 5, 10)


def read(query: str, today: date = TODAY) -> Filters:
    return read_filters(QueryDict(query), today)


def list_pairs(address: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(address).query)


def test_without_filters_there_is_an_empty_field_of_each() -> None:
    filters = read("")

    assert (filters.user_ids, filters.projects, filters.chips, filters.kept) == ([""], [""], [], [])
    assert filters.first == filters.last == Limit(value="", is_day=True)
    assert (filters.start, filters.download) == ("/timesheets", "/timesheets/download")


def test_each_filter_has_words_and_a_link_to_the_page_without_it() -> None:
    filters = read("user_id=007&user_id=Li+Wei&project=R%26D,+tools&current=true&cursor=abc&page_size=5")

    assert [chip.text for chip in filters.chips] == [
        "Employee 007",
        "Employee Li Wei",
        "Project R&D, tools",
        "Only current",
    ]
    assert list_pairs(filters.chips[0].address) == [
        ("user_id", "Li Wei"),
        ("project", "R&D, tools"),
        ("current", "true"),
        ("page_size", "5"),
    ]


@pytest.mark.parametrize(
    ("query", "first", "last", "words"),
    [
        pytest.param(
            "date_from=2017-05-01&date_to=2017-06-01",
            Limit(value="2017-05-01", is_day=True),
            Limit(value="2017-05-31", is_day=True),
            ["From 1 May 2017", "To 31 May 2017"],
            id="days",
        ),
        pytest.param(
            "date_from=2017-05-01T08:00:00Z&date_to=2017-05-31T17:00:00%2B02:00",
            Limit(value="2017-05-01T08:00:00Z", is_day=False),
            Limit(value="2017-05-31T17:00:00+02:00", is_day=False),
            ["From 2017-05-01T08:00:00Z", "Before 2017-05-31T17:00:00+02:00"],
            id="times",
        ),
        pytest.param(
            "date_from=2017-02-30&date_to=0001-01-01",
            Limit(value="2017-02-30", is_day=False),
            Limit(value="0001-01-01", is_day=False),
            ["From 2017-02-30", "Before 0001-01-01"],
            id="no-days",
        ),
    ],
)
def test_a_period_is_shown_with_its_last_day_and_anything_else_as_it_was_sent(
    query: str, first: Limit, last: Limit, words: list[str]
) -> None:
    filters = read(query)

    assert (filters.first, filters.last) == (first, last)
    assert [chip.text for chip in filters.chips] == words


@pytest.mark.parametrize(
    ("today", "periods"),
    [
        pytest.param(
            TODAY,
            [
                "2017-05-08 2017-05-15",
                "2017-05-01 2017-05-08",
                "2017-05-01 2017-06-01",
                "2017-04-01 2017-05-01",
            ],
            id="wednesday",
        ),
        pytest.param(
            date(2018, 1, 1),
            [
                "2018-01-01 2018-01-08",
                "2017-12-25 2018-01-01",
                "2018-01-01 2018-02-01",
                "2017-12-01 2018-01-01",
            ],
            id="new-year",
        ),
        pytest.param(
            date(2024, 3, 31),
            [
                "2024-03-25 2024-04-01",
                "2024-03-18 2024-03-25",
                "2024-03-01 2024-04-01",
                "2024-02-01 2024-03-01",
            ],
            id="sunday",
        ),
    ],
)
def test_a_period_ends_with_the_day_after_it(today: date, periods: list[str]) -> None:
    filters = read("", today)

    found = [dict(list_pairs(period.address)) for period in filters.periods]
    assert [period.text for period in filters.periods] == [
        "This week",
        "Last week",
        "This month",
        "Last month",
    ]
    assert [f"{pairs['date_from']} {pairs['date_to']}" for pairs in found] == periods


def test_a_period_replaces_the_dates_and_keeps_the_other_filters() -> None:
    [this_week, *others] = read("user_id=007&date_from=2017-05-08&date_to=2017-05-15&cursor=abc").periods

    assert list_pairs(this_week.address) == [
        ("user_id", "007"),
        ("date_from", "2017-05-08"),
        ("date_to", "2017-05-15"),
    ]
    assert this_week.is_current
    assert not any(period.is_current for period in others)


def test_what_the_form_has_no_field_for_is_kept() -> None:
    filters = read("as_of=17&order=newest&page_size=5&cursor=abc&nonsense=1&received_since=2017-05-01")

    assert dict(filters.kept) == {
        "as_of": "17",
        "order": "newest",
        "page_size": "5",
        "received_since": "2017-05-01",
    }
    assert [chip.text for chip in filters.chips] == ["Received since 2017-05-01", "As of id 17"]


def test_a_query_of_hundreds_of_values_is_shown_in_part() -> None:
    """Each value has a link that holds all others, so the page would have megabytes."""
    filters = read("&".join([f"user_id={number}" for number in range(500)] + ["as_of=1"] * 400))

    assert len(filters.chips) == MAX_SHOWN + 1
    # Sent again, it is refused again.
    assert len(filters.user_ids) == MAX_SHOWN == MAX_VALUES + 1


def test_a_download_has_all_pages_of_the_same_entries() -> None:
    filters = read("user_id=007&as_of=17&order=newest&page_size=5&cursor=abc")

    assert urlsplit(filters.download).path == "/timesheets/download"
    assert dict(list_pairs(filters.download)) == {"user_id": "007", "as_of": "17"}


@pytest.mark.parametrize("value", ["", "<script>", "%00", "\N{RIGHT-TO-LEFT OVERRIDE}"])
def test_any_value_survives_its_links(value: str) -> None:
    sent = QueryDict(mutable=True)
    sent.update({"user_id": value, "project": "x"})

    [*_, project] = read_filters(sent, TODAY).chips

    expected: Any = [("user_id", value)] if value else []
    assert list_pairs(project.address) == expected
