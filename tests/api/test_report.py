"""People read sums of hours on a page, and each of its numbers leads to what was added up."""

import gzip
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import escape, unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from tests.api.pages import OVERRIDE, SCRIPT, Open, Store, list_links, read_page, read_text
from tests.kit.django_client import ClientResponse
from tests.kit.issuer import Issuer
from tests.storage.entries import make_entry as build_entry

MAY = "date_from=2017-05-01&date_to=2017-06-01"


def work(hours: str, day: int = 10, **changes: Any) -> Any:
    """An entry of 007 on a day of May 2017, or on one after it."""
    date = datetime(2017, 4, 30, 12, tzinfo=UTC) + timedelta(days=day)
    return build_entry(changes.pop("entry_id", None), date=date, hours=Decimal(hours), **changes)


def read_rows(page: ClientResponse) -> list[str]:
    assert page.status_code == 200, page.content
    return [read_text(row) for row in re.findall("<tr>(.*?)</tr>", page.content.decode(), re.DOTALL)]


def read_sum(client: Client, issuer: Issuer, link: str) -> Decimal:
    """What a page adds up, or the entries of a list."""
    headers = {"Authorization": f"Bearer {issuer.mint(scope='read:all-timesheets')}"}
    body = client.get(link, headers=headers).json()
    return Decimal(str(body["hours"] if "hours" in body else sum(each["hours"] for each in body["results"])))


def test_without_by_the_page_is_this_month_by_project(show: Open, store: Store) -> None:
    store(work("5"))
    before = timezone.now().date().replace(day=1)

    default, chosen = show("/totals"), show("/totals?user_id=007&date_from=2017-05-01")

    query = parse_qs(urlsplit(default["Location"]).query)
    assert default.status_code == 302
    assert query["by"] == ["project"]
    assert datetime.fromisoformat(query["date_from"][0]).date() >= before
    assert chosen["Location"] == "/totals?user_id=007&date_from=2017-05-01&by=project"
    assert "No hours in " in read_page(show(default["Location"]))
    assert show("/totals", "application/json").status_code == 400
    assert show("/totals?x=1").status_code == 400


def test_a_report_has_shares_a_total_and_rows_that_open_their_other_dimension(
    show: Open, store: Store
) -> None:
    store(work("6"), work("1000", project="Intranet", day=11), work("2", user_id="008"), work("9", day=40))

    page = show(f"/totals?by=project&{MAY}")

    assert read_rows(page) == [
        "Project Entries Share Hours",
        "Intranet 1 99 % 1,000.00",
        "StoreZero 2 1 % 8.00",
        "Total 3 100 % 1,008.00",
    ]
    text = read_page(page)
    assert "Hours by project, May 2017 · Timesheets" in text
    assert "1,008.00 hours in 3 entries." in text
    people = f"/totals?by=user_id&{MAY}&project=StoreZero"
    assert people in list_links(page)
    [_, row, *_] = read_rows(show(people))
    assert row == "007 1 75 % 6.00"
    assert f"/totals?by=project&{MAY}&project=StoreZero&user_id=007" not in list_links(show(people))
    assert f"/timesheets?current=true&{MAY}&project=StoreZero&user_id=007" in list_links(show(people))


def test_every_link_of_a_matrix_leads_to_what_the_page_adds_up(
    show: Open, store: Store, client: Client, issuer: Issuer, settings: Any
) -> None:
    settings.TIMESHEETS_TIME_ZONE = "Europe/Berlin"
    # From Monday, 1 May. The sixth week begins in May and ends in June.
    store(*(work(str(2**number / 4), day, user_id="009") for number, day in enumerate((1, 7, 8, 31, 32))))
    store(work("3", 9), client_id="globex")
    store(work("4", 9), client_id="acme", organization="org_1")
    store(work("5", 9), client_id="acme", organization="org_2")
    for by in ("week,user_id", "client,week", "user_id,client", "month,day"):
        page = show(f"/totals?by={by}&{MAY}", scope="read:all-timesheets")

        html = page.content.decode()
        sums = re.findall('<a href="([^"]*)">([0-9.]+)</a>', html)
        rows = re.findall('scope="row"><a href="([^"]*)">.*?([0-9.]+)</td>\\n</tr>', html, re.DOTALL)
        assert sums
        assert rows
        for link, hours in (*sums, *rows):
            assert read_sum(client, issuer, link.replace("&amp;", "&")) == Decimal(hours), link
        assert read_rows(page)[-1].endswith(" 15.75")
        # No filter selects one organization, so nothing leads to it.
        assert "client=globex" in html or "client" not in by
        assert "client=acme" not in html


@pytest.mark.parametrize("by", ["project", "project,user_id", "user_id,week"])
def test_a_large_report_shows_what_fits_and_the_total_has_all(show: Open, store: Store, by: str) -> None:
    names = [f"{number:03}{kind * 20}" for number in range(150) for kind in ("'\"", "🦉", "x")]
    store(
        *(
            work(f"{1 + number % 20}", 1 + number % 25, project=name, user_id=name)
            for number, name in enumerate(names)
        )
    )

    page = show(f"/totals?by={by}&{MAY}")

    _, *rows, total = read_rows(page)
    assert 40_000 < len(page.content) < 100_000
    assert 5 < len(rows) < len(names)
    assert total.endswith(f" {sum(1 + number % 20 for number in range(450)):,}.00")
    assert f"this page has {len(rows)} of 450 rows" in read_page(page)
    assert ("and 12 of 450 columns" in read_page(page)) is (by == "project,user_id")
    assert re.findall(r"<style|\sstyle=|<script(?! src=)|\son\w+=|javascript:", page.content.decode()) == []


@pytest.mark.parametrize("hostile", [SCRIPT, OVERRIDE])
def test_names_affect_nothing_around_them(show: Open, store: Store, hostile: str) -> None:
    store(work("5", project=hostile, user_id=hostile))

    html = show(f"/totals?by=project,user_id&{MAY}").content.decode()

    name = escape(hostile)
    assert hostile not in html or name == hostile
    assert {html[at.start() - 5 : at.start()] for at in re.finditer(re.escape(name), html)} == {
        "<bdi>",
        'lue="',
    }


@pytest.mark.parametrize(
    ("days", "period", "neighbors"),
    [
        ("2017-12-01/2018-01-01", "December 2017", ["2017-11-01/2017-12-01", "2018-01-01/2018-02-01"]),
        (
            "2017-05-08/2017-05-15",
            "2017-W19, from 08 May",
            ["2017-05-01/2017-05-08", "2017-05-15/2017-05-22"],
        ),
        ("2017-05-08/2017-05-16", "from 8 May 2017 to 15 May 2017", []),
        ("2017-05-08T12:00:00Z/2017-06-01", "from 2017-05-08T12:00:00Z to 31 May 2017", []),
    ],
)
def test_a_report_names_its_period_and_leads_to_those_beside_it(
    show: Open, days: str, period: str, neighbors: Sequence[str]
) -> None:
    def find(days: str) -> str:
        first, end = days.split("/")
        return f"/totals?by=week&date_from={first}&date_to={end}&project=a+b"

    page = show(find(days))

    assert f"Hours by week, {period}" in read_page(page)
    nav = re.findall('<nav class="acts".*?</nav>', page.content.decode(), re.DOTALL)
    found = [unescape(link) for each in nav for link in re.findall('href="([^"]*)"', each)]
    assert [sorted(parse_qs(urlsplit(link).query).items()) for link in found] == [
        sorted(parse_qs(urlsplit(find(each)).query).items()) for each in neighbors
    ]


def test_the_download_has_every_sum_for_a_spreadsheet(show: Open, store: Store, settings: Any) -> None:
    store(work("5", project="=1+1"), work("2.5"))
    page = show(f"/totals?by=project,week&{MAY}")
    [link] = [link for link in list_links(page) if link.startswith("/totals/download")]

    download = show(link)

    assert download["Content-Disposition"].startswith('attachment; filename="report-')
    text = gzip.decompress(download.getvalue()).decode("utf-8-sig")
    assert text.splitlines() == [
        "project,week,entries,hours",
        "'=1+1,2017-W19,1,5.00",
        "StoreZero,2017-W19,1,2.50",
    ]
    settings.TIMESHEETS_BROWSER_SIGN_IN = False
    assert show(link).status_code == 404
