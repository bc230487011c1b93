"""People see the hours of an employee's week on a page, and a program learns where to read them."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import escape
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.utils import timezone

from tests.api.conftest import status_and_code
from tests.api.pages import OVERRIDE, SCRIPT, Open, Store, list_links, read_page, read_text
from tests.kit.django_client import ClientResponse
from tests.kit.issuer import Issuer
from tests.storage.entries import make_entry as build_entry
from timesheets.formats.days import Week

TUESDAY = datetime(2026, 11, 17, 9, 30, tzinfo=UTC)
NO_WEEKS = ("2027-W53", "", "2026-W47%0A", "1900-W52")
NO_DAYS = ("2026-02-30", "2999-01-01")
PERSON = "user_id=007&week=2026-W47"
HOSTILE_NAMES = (SCRIPT, f"{OVERRIDE}kcab", "{{ 7|add:1 }}", "'&\"><b>")


@pytest.fixture
def show(show: Open) -> Open:
    """Request the page with a query string."""

    def get(query: str = PERSON, accept: str = "text/html", **claims: Any) -> ClientResponse:
        return show(f"/people/week?{query}", accept, **claims)

    return get


def work(hours: object = 5, *, days: float = 0, **changes: Any) -> Any:
    """An entry of 007 that many days after the Tuesday."""
    date = TUESDAY + timedelta(days=days)
    return build_entry(changes.pop("entry_id", None), date=date, hours=Decimal(str(hours)), **changes)


def read(response: ClientResponse) -> str:
    assert response.status_code == 200, response.content
    return read_page(response)


def read_rows(response: ClientResponse) -> list[str]:
    return [read_text(row) for row in re.findall("<tr>(.*?)</tr>", response.content.decode(), re.DOTALL)]


def test_the_table_has_the_hours_of_each_project_and_day_with_sums(show: Open, store: Store) -> None:
    store(work(5), work("2.5"), work("0.25", days=5), work(8, days=1, project="Intranet"), work(3, days=7))

    page = show()

    assert read_rows(page) == [
        "Project Tue, 17 Nov 2026 Wed, 18 Nov 2026 Sun, 22 Nov 2026 Total",
        "Intranet – 8.00 – 8.00",
        "StoreZero 7.50 – 0.25 7.75",
        "Total 7.50 8.00 0.25 15.75",
    ]
    assert "Employee 007 , 16 November to 22 November 2026 2026-W47" in read(page)


def test_the_chart_says_the_same_as_the_table(show: Open, store: Store) -> None:
    store(work(5), work("2.5", project="Intranet"), work(8, days=1))

    html = show().content.decode()

    [chart] = re.findall(
        '<svg class="chart" role="img" aria-labelledby="days-title days-text".*</figure>', html, re.DOTALL
    )
    ElementTree.fromstring(f"<figure>{chart}")  # noqa: S314  Our own template wrote it.
    assert read_text(chart).startswith(
        "Hours by day and project 15.50 hours. Monday: 0.00. Tuesday: 7.50. Wednesday: 8.00. Thursday: 0.00. "
        "Friday: 0.00. Saturday: 0.00. Sunday: 0.00. The table beneath has the projects. "
        "Mon 16 0.00 Tue 17 7.50"
    )
    assert chart.count(' y="5" width=') == 3
    assert {*re.findall("url\\(#(.*?)\\)", chart)} < {*re.findall('<pattern id="(.*?)"', chart)}


def test_the_page_leads_to_other_weeks_and_to_the_entries(show: Open, store: Store) -> None:
    store(work())

    links = list_links(show())

    assert {"/people/week?user_id=007&week=2026-W46", "/people/week?user_id=007&week=2026-W48"} <= {*links}
    this_week = Week.of(timezone.now().date())
    assert f"/people/week?user_id=007&week={this_week.previous}" in links
    assert "/timesheets?user_id=007&date_from=2026-11-16&date_to=2026-11-23&current=true" in links
    assert "/totals?by=week&user_id=007" in links


def test_the_list_has_the_entries_that_the_page_adds_up(
    show: Open, store: Store, client: Client, issuer: Issuer, settings: Any
) -> None:
    settings.TIMESHEETS_TIME_ZONE = "America/New_York"
    # Sunday 23:30 and Monday 0:30 in New York, and the same a week later.
    store(*(work(2**number, days=days - 0.208) for number, days in enumerate((-1, -0.9584, 6, 6.0416))))

    page = show()

    link, download = (link for link in list_links(page) if link.endswith("current=true"))
    assert download == link.replace("/timesheets?", "/timesheets/download?")
    headers = {"Authorization": f"Bearer {issuer.mint(scope='read:timesheets')}"}
    assert sum(entry["hours"] for entry in client.get(link, headers=headers).json()["results"]) == 6
    assert read_rows(page)[-1].endswith("6.00")


def test_a_week_with_every_day_and_project_stays_small_and_needs_no_inline_style_or_script(
    show: Open, store: Store
) -> None:
    name = '"' * 120
    store(*(work(1, days=day, project=f"{name}{number:02}") for number in range(60) for day in range(-1, 6)))

    html = show().content.decode()

    assert 40_000 < len(html) < 100_000
    assert "of 60 rows and 7 of 7 columns" in html
    assert re.findall(r"<style|\sstyle=|<script(?! src=)|\son\w+=|javascript:", html) == []


def test_superseded_and_withdrawn_entries_do_not_count_and_the_page_says_so(show: Open, store: Store) -> None:
    store(work(5, entry_id="a"), work(8, entry_id="b"))
    store(
        work(4, entry_id="a", revision=2, reason="wrong"), work(0, entry_id="b", revision=2, reason="wrong")
    )

    page = show()

    assert read_rows(page)[-1] == "Total 4.00 4.00"
    assert "What was corrected or withdrawn does not count." in read(page)
    assert "/timesheets?user_id=007&date_from=2026-11-16&date_to=2026-11-23" in list_links(page)


@pytest.mark.parametrize("query", ["user_id=007", "user_id=007&day={day}"])
def test_without_a_week_the_current_one_is_shown(show: Open, query: str) -> None:
    before = Week.of(timezone.now().date())
    page = show(query.format(day=before.sunday))
    after = Week.of(timezone.now().date())

    assert str(before) in read(page) or str(after) in read(page)
    assert " 2026-W53 " in read(show("user_id=007&day=2027-01-01"))


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        *((f"user_id=007&week={week}", "week: Send a week, such as 2026-W47.") for week in NO_WEEKS),
        *((f"user_id=007&day={day}", "day: Send a day, such as 2026-11-25.") for day in NO_DAYS),
        ("user_id=", "user_id: This field may not be blank."),
        (f"user_id={'7' * 65}", "user_id: Ensure this field has no more than 64"),
        ("user_id=0%007", "Null characters are not allowed."),
        ("user_id=007&user_id=008", "user_id: Send it once."),
        ("user_id=007&format=csv", "format: Only the week of everybody is a file."),
        ("user_id=007&x=1", "The only parameters are user_id, week, day, format."),
        ("user_id=%ff", "Encode the parameters in UTF-8."),
    ],
)
def test_wrong_parameters_are_refused_in_words(show: Open, query: str, detail: str) -> None:
    page = show(query)

    assert page.status_code == 400
    assert detail in read_page(page)


@pytest.mark.parametrize("accept", ["application/json", "*/*", "application/json, text/html;q=0.5"])
def test_a_program_is_told_where_to_read(show: Open, store: Store, accept: str) -> None:
    response = show(accept=accept)

    words = "This address has only a page for people. Programs read GET /timesheets."
    assert status_and_code(response) == (406, "not_acceptable")
    assert response.json()["detail"] == words


def test_the_page_needs_a_token_with_the_scope_to_read(show: Open, client: Client) -> None:
    refused = show(scope="batch:upload")
    unknown = client.get(f"/people/week?{PERSON}", headers={"Accept": "text/html"})

    path, site = "/.well-known/oauth-protected-resource/people/week", "https://timesheets.example.com"
    assert (refused.status_code, unknown.status_code) == (403, 401)
    assert f'resource_metadata="{site}{path}"' in unknown["WWW-Authenticate"]
    assert client.get(path).json()["scopes_supported"] == ["read:all-timesheets", "read:timesheets"]


def test_the_page_does_not_exist_where_people_may_not_sign_in(show: Open, settings: Any) -> None:
    settings.TIMESHEETS_BROWSER_SIGN_IN = False

    assert show().status_code == 404
    assert status_and_code(show(accept="application/json")) == (404, "not_found")


@pytest.mark.parametrize("hostile", HOSTILE_NAMES)
def test_names_affect_nothing_around_them(show: Open, store: Store, hostile: str) -> None:
    store(work(user_id=hostile, project=hostile))

    page = show(urlencode({"user_id": hostile, "week": "2026-W47"}))

    html = page.content.decode()
    name = escape(hostile)
    around = {match[:12] for match in re.findall(rf"(.{{12}}){re.escape(name)}", html)}
    assert all(text.endswith(("<bdi>", "&#x2068;", 'value="')) for text in around)
    assert (hostile not in html) or (name == hostile)
    assert f"/people/week?user_id={quote(hostile, safe='')}".replace("%20", "+") in {
        link.split("&")[0] for link in list_links(page)
    }
