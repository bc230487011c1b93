"""What people who may only look at the admin send to keep it busy, or to break it."""

from collections.abc import Callable
from itertools import product
from urllib.parse import urlencode

import pytest
from django.test import Client

from tests.api.admin.pages import LIST, Visitor
from tests.kit.django_client import ClientResponse

LISTS = [LIST, "/admin/timesheets/upload/", "/admin/timesheets/client/"]
HOSTILE_VALUES = [
    *("", "abc", "\0", "1\0", "-1", "9" * 20, "9" * 5000, "1e999999", "\N{ARABIC-INDIC DIGIT ONE}"),
    *("0001-01-01 00:00:00+14:00", "9999-12-31 23:59:59-14:00"),
]
LOOK_UPS = """
project project__contains client__client_id__regex hours__exact received_at__isnull upload__label__contains
user_id__in date__exact username__regex nonsense date__year
"""


@pytest.fixture
def clerk(rows: None, visit: Callable[..., Visitor]) -> Client:
    """The browser of somebody who may look at everything and change nothing."""
    return visit("clerk", may="view_").browser


def get(clerk: Client, path: str, **fields: object) -> ClientResponse:
    return clerk.get(f"{path}?{urlencode(fields, doseq=True)}")


@pytest.mark.parametrize("path", LISTS)
def test_a_list_refuses_look_ups_that_no_link_uses(clerk: Client, path: str) -> None:
    for look_up in LOOK_UPS.split():
        assert get(clerk, path, **{look_up: "1"}).status_code == 400, look_up


# The look-ups that links use, and more values that they refuse.
LINKED: dict[str, list[str]] = {
    **{name: [] for name in ("client__id__exact", "upload__id__exact", "id__gte")},
    "received_at__gte": ["1"],
    "date__lt": ["9999-12-31"],
    "state": ["wrong"],
}


@pytest.mark.parametrize("name", LINKED)
def test_a_list_refuses_values_that_no_link_has(clerk: Client, name: str) -> None:
    for value in (*HOSTILE_VALUES, ["1"] * 900, *LINKED[name]):
        assert get(clerk, LIST, **{name: value}).status_code == 400, value


HOSTILE_FIELDS: list[dict[str, str]] = [
    {"received_at__gte": "2017-13-45 25:61:61+99:99"},
    {"client__id__exact": "9" * 18},
    *({name: "\0"} for name in ("state", "q", "p", "all")),
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
        assert get(clerk, path, **fields).status_code in (200, 302, 400), fields
        assert get(clerk, f"{path}1/change/", **fields).status_code in (200, 302, 400), fields


@pytest.mark.parametrize("page", ["change/", "history/", "delete/"])
def test_no_id_in_an_address_breaks_a_page(clerk: Client, page: str) -> None:
    for path, row in product(LISTS, ["9" * 20, "abc", "_00", "1_00", "_D8_00", "9" * 5000]):
        assert clerk.get(f"{path}{row}/{page}").status_code in (302, 403, 404), (path, row)


def test_no_search_has_more_than_ten_words(clerk: Client) -> None:
    ten, eleven = (get(clerk, LIST, q=" ".join(["Store"] * count)).text for count in (10, 11))

    refusal = "Search for at most 10 words."
    assert [refusal in ten, "2 timesheets" in ten] == [False, True]
    assert [refusal in eleven, "0 timesheets" in eleven] == [True, True]
