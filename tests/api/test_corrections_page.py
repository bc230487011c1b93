"""People see who corrected what, when and why."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from tests.api.pages import SCRIPT, Open, Store, list_links, read_page, read_text
from tests.kit.django_client import ClientResponse
from tests.storage.entries import make_entry as build_entry
from timesheets.storage.entries import Entry
from timesheets.views import overview

MAY = "/corrections?date_from=2017-05-01&date_to=2017-06-01"


def correct(entry_id: str, hours: object, reason: str = "Left early", **changes: Any) -> Entry:
    return build_entry(entry_id, **{"revision": 2, "hours": Decimal(str(hours)), "reason": reason, **changes})


def read_rows(response: ClientResponse) -> list[str]:
    html = response.content.decode().partition("</thead>")[2]
    return [read_text(row) for row in re.findall("<tr>(.*?)</tr>", html, re.DOTALL)]


def test_the_newest_correction_is_first_and_says_what_was_before(show: Open, store: Store) -> None:
    store(build_entry("a"), build_entry("b"), build_entry("c"))
    [second] = store(correct("a", 4))
    moved = {"user_id": "008", "project": "Intranet", "date": datetime(2017, 5, 11, tzinfo=UTC)}
    store(correct("b", 5, "Wrong person", **moved), subject=None)
    [fourth] = store(correct("c", 0, SCRIPT))

    page = show(MAY)

    when, who = "12 May 2017, 06:00", "by payroll@clients"
    days = "Thu, 11 May 2017 was Wed, 10 May 2017 17:40"
    assert read_rows(page) == [
        f"007 , entry {fourth} StoreZero withdrawn 0.00 was 5.00 {days[21:]} {SCRIPT} {when} {who}",
        f"008 , entry {second + 1} was 007 Intranet was StoreZero 5.00 {days} Wrong person {when}",
        f"007 , entry {second} StoreZero 4.00 was 5.00 {days[21:]} Left early {when} {who}",
    ]
    assert f"/timesheets/{second}" in list_links(page)
    title = page.content.decode().partition("</title>")[0].split("<title>")[1]
    assert re.sub("&#x206[89];", "", title) == "From 1 May 2017, To 31 May 2017, Corrections · Timesheets"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("&user_id=007", ["b", "a"]),
        ("&user_id=008", ["b"]),
        ("&project=Intranet", ["b"]),
        ("&user_id=008&project=StoreZero", ["b"]),
        ("&user_id=009", []),
    ],
)
def test_a_name_finds_what_a_correction_wrote_and_what_it_replaced(
    show: Open, store: Store, query: str, expected: list[str]
) -> None:
    store(build_entry("a"), build_entry("b"), build_entry("x", user_id="009"))
    store(correct("a", 4, "a"), correct("b", 5, "b", user_id="008", project="Intranet"))

    assert [row.partition("2017")[2].split()[1] for row in read_rows(show(MAY + query))] == expected


def test_a_period_is_when_the_corrections_were_received(show: Open, store: Store) -> None:
    noon = datetime(2017, 5, 12, 12, tzinfo=UTC)
    store(*(build_entry(f"{day}") for day in range(9)), received_at=noon - timedelta(days=30))
    for day in range(9):
        store(correct(f"{day}", 4, f"day-{day}"), received_at=noon + timedelta(days=day))
        store(build_entry(), received_at=noon + timedelta(days=day))

    def find(period: str) -> list[str]:
        return re.findall(r"day-\d", read_page(show(f"/corrections?{period}")))

    assert find("date_from=2017-05-14&date_to=2017-05-17") == ["day-4", "day-3", "day-2"]
    assert find("date_from=2017-05-19") == ["day-8", "day-7"]
    assert find("date_to=2017-05-13T12:00:00Z") == ["day-0"]
    assert find("date_from=2018-01-01") == []


def test_without_a_period_it_is_the_last_seven_days(show: Open, store: Store) -> None:
    response = show("/corrections?user_id=007")

    today = timezone.now().date()
    first, end = today - timedelta(days=6), today + timedelta(days=1)
    sent = {"user_id": ["007"], "date_from": [f"{first}"], "date_to": [f"{end}"]}
    address = urlsplit(response.headers["Location"])
    assert (response.status_code, address.path, parse_qs(address.query)) == (302, "/corrections", sent)
    page = show(response.headers["Location"])
    assert "No entry that matches these filters was corrected." in read_page(page)
    assert 'aria-current="true">Last 7 days<' in page.content.decode()


def test_a_page_that_left_something_out_says_since_when_it_is_complete(
    show: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "MAX_SEARCHED_ROWS", 3)
    store(build_entry("a"), build_entry("b"))
    store(correct("a", 4, "long ago"))
    store(build_entry(), build_entry())
    store(correct("b", 4, "just now"))

    page = show(MAY)

    assert "This page has the corrections since 12 May 2017, 06:00 . Search those before" in read_page(page)
    [*_, following] = [link for link in list_links(page) if "cursor=" in link]
    found = [
        re.findall("long ago|just now", read_page(each)) for each in (page, show(f"/corrections{following}"))
    ]
    assert found == [["just now"], ["long ago"]]


def test_a_client_sees_its_own_corrections_and_a_reader_of_all_sees_whose(show: Open, store: Store) -> None:
    for client in ("payroll", "globex"):
        store(build_entry("a"), client_id=client)
        store(correct("a", 4, client), client_id=client)
    read_all = partial(show, scope="read:all-timesheets")

    assert len(read_rows(show(MAY))) == 1
    assert [row.split()[-1] for row in read_rows(read_all(MAY))] == ["globex", "payroll"]
    assert [row.split()[-1] for row in read_rows(read_all(f"{MAY}&client=payroll"))] == ["payroll"]
    assert show(MAY, scope="batch:upload").status_code == 403
    assert show(MAY, accept="application/json").status_code == 406


def test_a_full_page_of_the_longest_texts_is_below_100_kb(show: Open, store: Store) -> None:
    store(*(build_entry(user_id=f"{number:064}", project=f"{number:0128}") for number in range(200)))
    old, new = ({"user_id": each * 64, "project": each * 128} for each in "on")
    store(*(build_entry(f"{number}", **old) for number in range(overview.CORRECTIONS_PAGE_SIZE + 1)))
    store(
        *(correct(f"{number}", 4, "r" * 200, **new) for number in range(overview.CORRECTIONS_PAGE_SIZE + 1)),
        subject="s" * 255,
    )

    page = show(MAY)

    assert len(read_rows(page)) == overview.CORRECTIONS_PAGE_SIZE
    assert 50 < page.content.count(b"<option") < 400
    assert len(page.content) < 100_000
